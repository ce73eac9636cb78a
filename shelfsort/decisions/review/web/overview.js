"use strict";
// What a lead sees. Every text is set as text, never as HTML.
const KINDS = {
  review: "Left to people",
  audit: "Audits",
  second: "Second opinions",
  dispute: "Disagreements",
  appeal: "Appeals",
};

function fillTable(table, heads, rows, empty) {
  table.replaceChildren();
  if (!rows.length) {
    table.insertRow().insertCell().textContent = empty;
    return;
  }
  const head = table.createTHead().insertRow();
  for (const [name, kind] of heads) {
    const cell = document.createElement("th");
    cell.textContent = name;
    cell.scope = "col";
    if (kind) cell.className = kind;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, place) => {
      const cell = line.insertCell();
      cell.append(value);
      if (heads[place][1]) cell.className = heads[place][1];
    });
  }
}

const ofTotal = (part, all) => (all ? `${count(part)} of ${count(all)}` : "–");
const hours = (n) => (n < 48 ? `${count(n)} h` : `${count(Math.round(n / 24))} days`);
const shares = (gold) =>
  gold
    ? `${ofTotal(gold.right, gold.of)} (${gold.interval.map((n) => Math.round(n * 100)).join("–")} %)`
    : "–";

// Most details are JSON objects of plain values.
function asWords(detail) {
  try {
    return Object.entries(JSON.parse(detail))
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  } catch {
    return detail;
  }
}

function releaseButton(task) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Release" });
  button.onclick = async () => {
    button.disabled = true;
    await ask("/release", { task });
    showOverview();
  };
  return button;
}

async function showOverview() {
  const said = await ask("/overview");
  if (!said) return;
  $("nobody").hidden = !said.nobody;
  $("nobody").textContent =
    `${count(said.nobody)} wait for somebody who has not answered about them yet: name further people.`;
  fillTable(
    $("kinds"),
    [["Kind"], ["Waiting", "number"], ["Overdue", "number"], ["Oldest", "number"]],
    said.kinds.map((each) => [
      KINDS[each.kind] ?? each.kind, count(each.waiting), count(each.overdue), hours(each.oldest_hours)]),
    "Nothing waits.",
  );
  fillTable(
    $("people"),
    [["Name"], ["Answers", "number"], ["Seconds each", "number"], ["Proposals confirmed", "number"], ["Known products right", "number"]],
    said.people.map((each) => [
      each.name, count(each.answers), each.seconds === null ? "–" : count(each.seconds),
      ofTotal(each.confirmed, each.proposed), shares(each.gold)]),
    "Nobody has answered yet.",
  );
  fillTable(
    $("held"),
    [["Who"], ["Product", "long"], ["Minutes left", "number"], [""]],
    said.held.map((each) => [
      each.holder, each.product, count(each.minutes), releaseButton(each.task)]),
    "Nobody looks at anything.",
  );
  fillTable(
    $("events"),
    [["When"], ["Who"], ["What"], ["Detail", "long"]],
    said.events.map((each) => [new Date(each.at).toLocaleString(), each.who, each.what, asWords(each.detail)]),
    "Nothing has happened yet.",
  );
}

async function putBack(event) {
  event.preventDefault();
  const said = await ask("/appeal", { product: $("appeal-product").value, words: $("appeal-words").value });
  $("appeal-said").textContent = said ? "It waits for somebody else now." : "";
  if (said) $("appeal").reset();
  if (said) showOverview();
}
