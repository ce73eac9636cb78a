"use strict";
// The page of one person: shows a product, sends the answer, and has the next products at hand.
// sending.js and picture.js come before it.
const LOOK_AGAIN_MS = 10000;
const RENEW_MS = 60000;
const MOST_RECENT = 5;

let tasks = [];
let shown = null;
let last = null;
let shownAt = 0;
let active = true;
let picker = null;
let recent = [];

function duration(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return minutes + " min";
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? hours + " h " + (minutes % 60) + " min" : count(hours) + " h";
}

function showProgress(progress) {
  $("bar").value = progress.needed ? progress.given / progress.needed : 1;
  $("given").textContent = `${count(progress.given)} of ${count(progress.needed)} answers`;
  $("left").textContent =
    progress.seconds_left === null || progress.given >= progress.needed
      ? ""
      : `· about ${duration(progress.seconds_left)} left`;
  $("own").textContent = `You: ${count(progress.own)}`;
  $("undo").disabled = $("idle-undo").disabled = progress.own === 0;
}

function showTask(task) {
  if (shown && shown.task === task.task) return;
  shown = task;
  shownAt = performance.now();
  showImage(task);
  $("title").textContent = task.title;
  $("title").hidden = !task.title;
  $("price").textContent = task.price === null ? "" : "Price: " + count(task.price);
  $("price").hidden = task.price === null;
  $("description").textContent = task.description;
  $("description").hidden = !task.description;
  $("id").textContent = task.id;
  $("id").hidden = !task.id;
  $("words").scrollTop = 0;
  picker.clear().then(picker.focus);
}

function showRecent() {
  const buttons = recent.map((leaf, place) => {
    const chip = Object.assign(document.createElement("button"), { type: "button" });
    const name = document.createElement("bdi");
    name.textContent = leaf.path[leaf.path.length - 1];
    chip.append(name);
    if (place === 0) chip.append(Object.assign(document.createElement("kbd"), { textContent: "=" }));
    chip.title = leaf.path.join(" › ");
    chip.onclick = () => choose(leaf);
    return chip;
  });
  $("recent").replaceChildren(...buttons);
  $("recent").hidden = !buttons.length;
}

function showIdle(said) {
  shown = null;
  const all = said.progress.given >= said.progress.needed;
  $("idle-title").textContent = said.waiting ? "Nothing for you right now" : all ? "All done" : "You are done";
  $("idle-text").textContent = said.waiting
    ? "Other people have the last products. Some may come back: this page looks again by itself."
    : all
      ? "Every product has all its answers. Thank you."
      : "Nothing is left for you. Other people have to answer the rest. Thank you.";
}

function show(said) {
  if (!said) return;
  tasks = said.tasks;
  last = said.last;
  $("who").textContent = said.name;
  showProgress(said.progress);
  $("work").hidden = tasks.length === 0;
  $("idle").hidden = tasks.length > 0;
  if (tasks.length === 0) return showIdle(said);
  loadImages(tasks);
  showTask(tasks[0]);
}

async function answer(body, words) {
  if (!shown || busy) return;
  const seconds = (performance.now() - shownAt) / 1000;
  const said = await asking("/answer", { task: shown.task, seconds, ...body });
  // A product that is gone: what is wrong is shown, and the next product.
  if (!said) return show(await asking("/tasks"));
  if (said.outcome === "taken") say("Others have answered that product in the meantime.");
  else if (said.outcome === "answered" && said.tries === 0) say("You had answered that product.");
  else say(words);
  show(said);
}

function choose(leaf) {
  if (!shown || busy) return;
  recent = [leaf, ...recent.filter((each) => each.id !== leaf.id)].slice(0, MOST_RECENT);
  showRecent();
  answer({ choice: "category", category: leaf.id }, leaf.path[leaf.path.length - 1]);
}
const unsure = () => answer({ choice: "unsure" }, "Cannot tell");
const broken = () => shown && shown.image && answer({ choice: "image" }, "Image does not load");

async function undo() {
  if (!last) return say("There is nothing to take back.");
  const said = await asking("/undo", { task: last });
  if (!said) return;
  say(said.undone ? "Your last answer is taken back." : "You have answered another product since.");
  shown = null;
  show(said);
}

async function renew() {
  if (busy || document.hidden || (!active && shown)) return;
  active = false;
  show(await asking("/tasks"));
}

const SPECIAL = { "?": unsure, "!": broken, "=": () => recent.length && choose(recent[0]) };

function key(event) {
  active = true;
  if (event.isComposing) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const search = document.querySelector(".picker-search");
  const typing = document.activeElement === search && search.value !== "";
  if ($("help").open) {
    // The picker listens to keys as well.
    if (!["Escape", "Tab", "Enter", " "].includes(event.key)) event.preventDefault();
    return event.stopPropagation();
  }
  if (event.key === "F1") $("help").showModal();
  else if (busy && !["Tab", "Shift"].includes(event.key) && plain);
  else if (!plain && !event.altKey && event.key.toLowerCase() === "z" && !typing) undo();
  else if (plain && !typing && SPECIAL[event.key]) SPECIAL[event.key]();
  else {
    // A letter begins a search, wherever the keyboard is.
    if (plain && /^\p{L}$/u.test(event.key)) search.focus();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

const KEYS = [
  ["1 … 9", "Choose or open a row"],
  ["letters", "Search; Enter takes the first"],
  ["↑ ↓", "Move"],
  ["→ or Enter", "Open or choose"],
  ["← or ⌫", "Back"],
  ["=", "The same category as before"],
  ["?", "Cannot tell"],
  ["!", "The image does not load"],
  ["Ctrl Z", "Undo: take the last answer back"],
  ["F1", "These keys"],
];

async function begin() {
  const said = await ask("/tasks");
  if (!said) return;
  const nodes = await (await fetch(said.tree)).json();
  picker = categoryPicker($("picker"), { nodes });
  $("picker").addEventListener("pick", (event) => event.detail && choose(event.detail));
  for (const [keys, meaning] of KEYS) {
    const row = $("keys").insertRow();
    row.insertCell().append(Object.assign(document.createElement("kbd"), { textContent: keys }));
    row.insertCell().textContent = meaning;
  }
  $("unsure").onclick = unsure;
  $("broken").onclick = broken;
  $("undo").onclick = $("idle-undo").onclick = undo;
  $("help-button").onclick = () => $("help").showModal();
  window.addEventListener("keydown", key, true);
  window.addEventListener("pointerdown", () => (active = true));
  setInterval(renew, RENEW_MS);
  setInterval(() => !$("idle").hidden && renew(), LOOK_AGAIN_MS);
  show(said);
}

begin();
