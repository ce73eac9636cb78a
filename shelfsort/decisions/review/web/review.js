"use strict";
// The page of one person. sending.js, picture.js, picker.js and overview.js come before it.
const LOOK_AGAIN_MS = 10000;
const RENEW_MS = 60000;
const WHY = {
  review: "The model is unsure",
  blind: "Without a suggestion",
  appeal: "Appeal: the customer objects to what was decided",
  dispute: "For you to decide",
};

let me = null;
let shown = null;
let last = null;
let shownAt = 0;
let active = true;
let picker = null;
const percent = (score) => (score >= 0.995 ? "≥ 99.5" : (score * 100).toFixed(score < 0.1 ? 1 : 0)) + " %";
const make = (tag, props, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};

function showStanding(said) {
  last = said.last;
  $("waiting").textContent = `${count(said.waiting)} products wait`;
  $("overdue").textContent = `${count(said.overdue)} overdue`;
  $("overdue").hidden = !said.overdue;
  $("own").textContent = `Your answers in 24 h: ${count(said.own)}`;
  $("undo").disabled = $("idle-undo").disabled = last === null;
}

function setText(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

function showWords(task) {
  $("why").textContent = WHY[task.kind];
  $("why").classList.toggle("urgent", task.kind === "appeal" || task.kind === "dispute");
  const sides = task.opinions.map((each, place) =>
    `Person ${place + 1}: ${each.category || "cannot tell"}${each.outcome ? ` → ${each.outcome}` : ""}`);
  const customer = task.note && sides.length ? `Customer: ${task.note}` : task.note;
  setText("note", [customer, ...sides].filter(Boolean).join("\n"));
  setText("title", task.title);
  setText("price", task.price === null ? "" : "Price: " + count(task.price));
  setText("description", task.description);
  setText("id", task.id);
  $("fields").replaceChildren(
    ...Object.entries(task.fields).map(([name, value]) => make("li", { textContent: `${name}: ${value}` })));
  $("words").scrollTop = 0;
}

function showSuggestions(task) {
  const rows = task.suggestions.map((each, place) => {
    const name = each.path[each.path.length - 1];
    const words = make("span", { className: "words" }, make("bdi", { textContent: name }));
    if (each.path.length > 1)
      words.append(make("span", { className: "above", textContent: each.path.slice(0, -1).join(" › ") }));
    const key = make("kbd", { className: "picker-key", textContent: String(place + 1) });
    key.setAttribute("aria-hidden", "true");
    const bar = make("meter", { value: each.score });
    bar.setAttribute("aria-hidden", "true");
    const row = make("button", { type: "button", className: "suggestion" }, key, words, bar,
      make("span", { className: "score", textContent: percent(each.score) }));
    row.onclick = () => choose({ id: each.id, path: each.path });
    return make("li", {}, row);
  });
  $("suggestions").replaceChildren(...rows);
  $("suggested-title").textContent = "The model's best answers";
  $("suggested").hidden = !rows.length;
}

function suggesting() {
  return Boolean(shown?.suggestions.length) && !$("picker").contains(document.activeElement);
}
const markNumbers = () => $("choice").classList.toggle("numbers-above", suggesting());

function focusFirst() {
  const first = document.querySelector(".suggestion");
  if (first) first.focus();
  else picker.focus();
  markNumbers();
}

function showTask(task) {
  if (shown && shown.task === task.task) return;
  shown = task;
  shownAt = performance.now();
  showImage(task);
  showWords(task);
  showSuggestions(task);
  picker.clear().then(focusFirst);
}

// `first` is the id of the task to show, where there is one.
function show(said, first = shown?.task) {
  if (!said) return;
  showStanding(said);
  const inOverview = !$("overview").hidden;
  $("work").hidden = inOverview || !said.tasks.length;
  $("idle").hidden = inOverview || said.tasks.length > 0;
  if (!said.tasks.length) {
    shown = null;
    return;
  }
  loadImages(said.tasks);
  // What somebody thinks about stays, though something more urgent has arrived.
  showTask(said.tasks.find((task) => task.task === first) ?? said.tasks[0]);
}

const FOLLOWS = {
  second: "Somebody else looks at it, too.",
  dispute: "A lead decides about it.",
};

async function answer(body, words) {
  if (!shown || busy) return;
  const task = shown.task;
  const seconds = (performance.now() - shownAt) / 1000;
  let said = await asking("/answer", { task, seconds, ...body });
  if (said?.confirm) {
    const more = await confirmed(said.confirm, words);
    if (!more) return focusFirst();
    said = await asking("/answer", { task, seconds: (performance.now() - shownAt) / 1000, ...body, ...more });
  }
  // A task that is gone: what is wrong is shown, and the next one.
  if (!said) {
    shown = null;
    return show(await asking("/tasks"));
  }
  if (said.outcome === "taken") say("Somebody else has that product now.");
  else if (said.outcome === "answered" && said.tries === 0) say("You had answered about that product.");
  else say(`${words}${said.follows && ` → ${said.follows}`}. ${FOLLOWS[said.next] ?? ""}`);
  show(said);
}

function confirmed(asked, words) {
  const { outcome, reason, decides } = asked;
  $("confirm-title").textContent = decides ? `${words}: you decide` : `${words}: ${outcome}`;
  $("confirm-text").textContent = decides
    ? "What you say is final." : "Another person has to agree before the customer learns of it.";
  $("confirm-decides").hidden = !decides;
  $("confirm-outcome").replaceChildren(
    ...me.outcomes.map((each) => make("option", { value: each, textContent: each, selected: each === outcome })));
  $("confirm-reason").value = reason;
  $("confirm-note").value = "";
  $("confirm").returnValue = "";
  $("confirm").showModal();
  $("confirm-yes").focus();
  return new Promise((done) => {
    $("confirm").onclose = () => done($("confirm").returnValue === "yes" && {
      confirmed: true,
      reason: $("confirm-reason").value,
      note: $("confirm-note").value,
      ...(decides ? { outcome: $("confirm-outcome").value } : {}),
    });
  });
}

const choose = (leaf) => answer({ category: leaf.id }, leaf.path[leaf.path.length - 1]);
const unsure = () => answer({}, "Cannot tell");
const broken = () => shown && shown.image && answer({ problem: "image" }, "Image does not load");

async function undo() {
  if (last === null) return say("There is nothing to take back.");
  const said = await asking("/undo", { review: last });
  if (!said) return;
  say(said.undone ? "Your last answer is taken back." : "It is too late: somebody has gone on from it.");
  if (said.undone) shown = null;
  show(said, said.undone);
}

async function renew() {
  if (busy || document.hidden || $("confirm").open || (!active && shown)) return;
  active = false;
  show(await asking("/tasks"));
}

function toggleOverview() {
  const opening = $("overview").hidden;
  $("overview").hidden = !opening;
  $("overview-button").setAttribute("aria-pressed", String(opening));
  $("work").hidden = $("idle").hidden = opening;
  if (opening) showOverview();
  else asking("/tasks").then(show).then(() => shown && focusFirst());
}

function moveSuggestion(step) {
  const rows = [...document.querySelectorAll(".suggestion")];
  const at = rows.indexOf(document.activeElement) + step;
  if (at >= rows.length) picker.focus();
  else rows[Math.max(at, 0)].focus();
}

const SPECIAL = { "?": unsure, "!": broken };

function suggestionKey(key) {
  const rows = document.querySelectorAll(".suggestion");
  if (/^[1-9]$/.test(key)) rows[Number(key) - 1]?.click();
  else if (key === "ArrowDown") moveSuggestion(1);
  else if (key === "ArrowUp") moveSuggestion(-1);
  else return false;
  return true;
}

function key(event) {
  active = true;
  if (event.isComposing) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const search = document.querySelector(".picker-search");
  const typing = document.activeElement === search && search.value !== "";
  // The picker listens to keys as well.
  if ($("confirm").open || !$("overview").hidden) return event.stopPropagation();
  if ($("help").open) {
    if (!["Escape", "Tab", "Enter", " "].includes(event.key)) event.preventDefault();
    return event.stopPropagation();
  }
  if (event.key === "F1") $("help").showModal();
  else if (busy && !["Tab", "Shift"].includes(event.key) && plain);
  else if (!plain && !event.altKey && event.key.toLowerCase() === "z" && !typing) undo();
  else if (plain && !typing && SPECIAL[event.key]) SPECIAL[event.key]();
  else if (plain && suggesting() && suggestionKey(event.key));
  else {
    // A letter begins a search, wherever the keyboard is.
    if (plain && shown && /^\p{L}$/u.test(event.key)) search.focus();
    if (event.key === "Escape" && !typing && shown?.suggestions.length) focusFirst();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

const KEYS = [
  ["1 … 5", "Take a suggestion; in the tree, choose or open a row"],
  ["letters", "Search the tree; Enter takes the first"],
  ["↑ ↓", "Move; from the last suggestion into the tree"],
  ["→ or Enter", "Open or choose"],
  ["← or ⌫", "Back in the tree"],
  ["Esc", "Back to the suggestions"],
  ["?", "Cannot tell"],
  ["!", "The image does not load"],
  ["Ctrl Z", "Undo: take the last answer back"],
  ["F1", "These keys"],
];

async function begin() {
  const session = await fetch("/session");
  if (!session.ok) return trouble("Your link is no longer valid. Ask for a new one, and open it.");
  me = await session.json();
  headers["X-CSRF-Token"] = me.csrf;
  $("who").textContent = me.leads ? `${me.name} (lead)` : me.name;
  $("overview-button").hidden = !me.leads;
  const nodes = await (await fetch("/tree.json")).json();
  picker = categoryPicker($("picker"), { nodes });
  $("picker").addEventListener("pick", (event) => event.detail && choose(event.detail));
  for (const [keys, meaning] of KEYS) {
    const row = $("keys").insertRow();
    row.insertCell().append(make("kbd", { textContent: keys }));
    row.insertCell().textContent = meaning;
  }
  $("unsure").onclick = unsure;
  $("broken").onclick = broken;
  $("undo").onclick = $("idle-undo").onclick = undo;
  $("help-button").onclick = () => $("help").showModal();
  $("overview-button").onclick = toggleOverview;
  $("appeal").onsubmit = putBack;
  $("choice").addEventListener("focusin", markNumbers);
  $("choice").addEventListener("focusout", () => setTimeout(markNumbers));
  window.addEventListener("keydown", key, true);
  window.addEventListener("pointerdown", () => (active = true));
  setInterval(renew, RENEW_MS);
  setInterval(() => !$("idle").hidden && renew(), LOOK_AGAIN_MS);
  show(await ask("/tasks"));
}

begin();
