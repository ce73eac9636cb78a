/* Of worker.html: what the picker says becomes the fields of the answer. */
(() => {
  const byId = (id) => document.getElementById(id);
  const began = performance.now();
  const form = document.querySelector("crowd-form");
  const CANNOT_TELL = "cannot tell";

  const load = async (file) => {
    const answer = await fetch(byId(`tree-file-${file}`).href);
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const tree = { nodes: JSON.parse(byId("tree").textContent), load };
  const picker = categoryPicker(byId("picker"), tree);

  const answer = (label, category, said) => {
    byId("label").value = label;
    byId("category").value = category;
    byId("chosen").textContent = said || "No category chosen";
    byId("chosen").classList.toggle("made", Boolean(said));
    byId("missing").textContent = "";
  };
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";

  byId("picker").addEventListener("pick", (event) => {
    const leaf = event.detail;
    press(byId("cannot-tell"), false);
    if (leaf) answer(leaf.label, leaf.id, leaf.path.join(" › "));
    else answer("", "", "");
  });
  byId("cannot-tell").addEventListener("click", (event) => {
    const on = !pressed(event.currentTarget);
    picker.clear();
    press(byId("cannot-tell"), on);
    if (on) answer(CANNOT_TELL, "", "I cannot tell");
  });

  const problem = byId("image-problem");
  const photo = byId("photo");
  const broken = (is) => {
    press(problem, is);
    byId("image-problem-answer").value = is ? "yes" : "no";
  };
  problem?.addEventListener("click", () => broken(!pressed(problem)));
  const notLoaded = () => {
    photo.hidden = true;
    byId("photo-broken").hidden = false;
    broken(true);
  };
  photo?.addEventListener("error", notLoaded);
  if (photo?.complete && !photo.naturalWidth) notLoaded();

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea");
    const button = { "?": byId("cannot-tell"), "!": problem }[event.key];
    if (!typing && button) button.click();
  });

  form.onsubmit = (event) => {
    if (!byId("label").value) {
      event.preventDefault();
      byId("missing").textContent = "Choose a category, or “I cannot tell”.";
      picker.focus();
      return;
    }
    byId("seconds").value = ((performance.now() - began) / 1000).toFixed(1);
  };
})();
