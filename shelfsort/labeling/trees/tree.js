"use strict";
(() => {
  const CHUNK = 300, SHOWN = 200;
  const children = data.names.map(() => []);
  data.parents.forEach((parent, index) => { if (parent >= 0) children[parent].push(index); });
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const plainNames = data.names.map(plain);
  const figures = (index) => data.accuracy && data.accuracy[index];
  const columns = data.counts && data.accuracy ? "" : data.counts || data.accuracy ? " two" : " one";

  // ---- Order -------------------------------------------------------------------------------
  const share = (index) => { const f = figures(index); return f ? f[1] / f[0] : 2; };
  const orders = { file: ["as in the file", null] };
  if (data.counts) orders.most = ["most products first", (a, b) => data.counts[b] - data.counts[a]];
  if (data.accuracy) orders.worst = ["least accurate first", (a, b) => share(a) - share(b)];
  const sorted = (indices) => {
    const compare = orders[$("order").value][1];
    return compare ? [...indices].sort(compare) : indices;
  };

  // ---- Rows --------------------------------------------------------------------------------
  function counted(index) {
    const n = data.counts[index], of = data.counts[0];
    const filled = element("i");
    filled.style.width = `${of ? n / of * 100 : 0}%`;
    return element("span", { className: n ? "number" : "number quiet" }, count(n), element("span", { className: "bar" }, filled));
  }

  function accurate(index) {
    const f = figures(index);
    if (!f) return element("span", { className: "number quiet" }, "–");
    const [n, right, within, low, high] = f;
    const cell = element("span", { className: "number" }, percent(right / n),
      element("small", {}, `${percent(low)} to ${percent(high)}, n = ${count(n)}`));
    cell.title = `${count(right)} of ${count(n)} products have the right leaf; ${count(within)} a leaf within this category.`;
    return cell;
  }

  function row(index, name) {
    const line = element("div", { className: "row" + columns }, name);
    if (data.counts) line.append(counted(index));
    if (data.accuracy) line.append(accurate(index));
    return line;
  }

  function item(index) {
    const node = element("li");
    node.dataset.index = index;
    const label = element("bdi", { textContent: data.names[index] });
    const id = data.ids[index] === null ? "" : element("bdi", { className: "id", textContent: data.ids[index] });
    if (!children[index].length) {
      node.append(row(index, element("span", { className: "name leaf" }, element("span", {}, label, id))));
      return node;
    }
    const toggle = element("button", { type: "button", className: "toggle", onclick: () => expand(node, index, toggle.ariaExpanded !== "true") }, label);
    toggle.ariaExpanded = "false";
    const below = element("small", { textContent: count(children[index].length), className: "id", title: "subcategories" });
    node.append(row(index, element("span", { className: "name" }, element("span", {}, toggle, id, below))));
    return node;
  }

  function fill(list, indices) {
    list.append(...indices.slice(0, CHUNK).map(item));
    const rest = indices.slice(CHUNK);
    if (!rest.length) return;
    const more = element("button", { type: "button", className: "more", textContent: `Show ${count(Math.min(CHUNK, rest.length))} of ${count(rest.length)} more` });
    const holder = element("li", {}, more);
    more.onclick = () => { holder.remove(); fill(list, rest); };
    list.append(holder);
  }

  function expand(node, index, open) {
    node.querySelector("button.toggle").ariaExpanded = String(open);
    const there = node.querySelector(":scope > ul");
    if (there) there.hidden = !open;
    else if (open) {
      const list = element("ul", { className: "tree" });
      fill(list, sorted(children[index]));
      node.append(list);
    }
  }

  function start() {
    $("tree").replaceChildren();
    fill($("tree"), sorted(children[0]));
  }

  // ---- Search ------------------------------------------------------------------------------
  const trail = (index) => {
    const above = [];
    for (let at = index; at > 0; at = data.parents[at]) above.unshift(at);
    return above;
  };

  function reveal(index) {
    $("search").value = "";
    find();
    for (const marked of document.querySelectorAll(".here")) marked.classList.remove("here");
    let list = $("tree"), node = null;
    for (const at of trail(index)) {
      const own = (each) => each.dataset.index === String(at);
      for (let more; !(node = [...list.children].find(own)) && (more = list.querySelector(":scope > li > button.more"));) more.click();
      if (!node) return;
      if (at !== index) { expand(node, at, true); list = node.querySelector(":scope > ul"); }
    }
    node.classList.add("here");
    node.scrollIntoView({ block: "center" });
    (node.querySelector("button.toggle") ?? node).focus();
  }

  function find() {
    const words = plain($("search").value).split(/\s+/).filter(Boolean);
    const searching = words.length > 0;
    $("results").hidden = !searching;
    $("tree").hidden = searching;
    if (!searching) { $("found").textContent = ""; return; }
    // What of the words the path has so far is carried from parent to child.
    const missing = [], hits = [];
    for (let index = 0; index < data.names.length; index++) {
      const before = index ? missing[data.parents[index]] : words;
      const name = index ? plainNames[index] : "";
      missing.push(before.filter((word) => !name.includes(word)));
      const named = words.some((word) => name.includes(word));
      if (index && (data.ids[index] === $("search").value.trim() || named && !missing[index].length)) hits.push(index);
    }
    const line = (index) => {
      const path = trail(index).map((at) => data.names[at]).join(" › ");
      const go = element("button", { type: "button", className: "go", onclick: () => reveal(index) }, element("bdi", { textContent: path }));
      return element("li", {}, row(index, element("span", { className: "name" }, go)));
    };
    $("results").replaceChildren(...sorted(hits).slice(0, SHOWN).map(line));
    $("found").textContent = hits.length > SHOWN ? `the first ${SHOWN} of ${count(hits.length)}` : `${count(hits.length)} found`;
  }

  // ---- Page --------------------------------------------------------------------------------
  function headline() {
    const inner = children.filter((below, index) => index && below.length).length;
    const leaves = data.names.map((_, index) => index).filter((index) => index && !children[index].length);
    const facts = [["Categories", count(data.names.length - 1), `${count(inner)} with subcategories`], ["Leaves", count(data.leaves), `on up to ${data.levels} levels`]];
    if (data.counts) {
      const without = leaves.filter((index) => !data.counts[index]).length;
      facts.push(["Labelled products", count(data.counts[0]), data.left_out ? `${count(data.left_out)} lines left out` : ""]);
      facts.push(["Leaves without products", count(without), ""]);
    }
    const f = figures(0);
    if (f) facts.push(["Accuracy", percent(f[1] / f[0]), `${percent(f[3])} to ${percent(f[4])}, n = ${count(f[0])}`]);
    for (const [name, value, note] of facts) {
      $("figures").append(element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value }), element("dd", { className: "note", textContent: note })));
    }
  }

  headline();
  $("heads").className = "row heads" + columns;
  $("heads").append(element("span", { textContent: "category" }));
  if (data.counts) $("heads").append(element("span", { textContent: "products" }));
  if (data.accuracy) {
    $("heads").append(element("span", { textContent: "accuracy" }));
    $("explained").textContent = "Accuracy is the share of products of a category whose leaf the model predicts right, with the exact 95 % interval. It counts products that the model was not trained on.";
  }
  for (const [value, [text]] of Object.entries(orders)) $("order").append(element("option", { value, textContent: text }));
  $("order-label").hidden = Object.keys(orders).length === 1;
  $("order").onchange = () => { start(); find(); };
  $("search").oninput = find;
  $("close").onclick = start;
  $("open").onclick = () => {
    for (const toggle of document.querySelectorAll("#tree button.toggle[aria-expanded=false]")) {
      // A list that is closed itself is opened on its own turn.
      if (toggle.offsetParent) toggle.dataset.turn = "1";
    }
    for (const toggle of document.querySelectorAll("#tree button.toggle[data-turn]")) {
      delete toggle.dataset.turn;
      toggle.click();
    }
  };
  start();
})();
