"use strict";
/* Chooses a leaf of a category tree: drill down and back, search, mouse, touch and keyboard.

   const picker = categoryPicker(host, tree);

   host    an empty element. The picker fills it and is styled by picker.css.
   tree    { nodes: [node], load: async (file) => { id: [node] } }
           A node is { id, name, label, children, file, about, examples }.
             label     what an answer says; the path "A > B > C" where it is left out
             children  its subcategories; a node without `children` and `file` is a leaf
             file      names the file that holds its subcategories, for a tree in several files.
                       `load` reads a file: the subcategories of nodes by the ids of those
             about     a definition, in a sentence
             examples  addresses of pictures
           shelfsort/labeling/pages/tree.py makes it of a taxonomy.

   host fires "pick" (it bubbles) when a leaf is chosen or the choice is taken back:
           event.detail is { id, label, path: [names] }, or null.
   picker.clear()  takes the choice back and shows the top of the tree.
   picker.focus()  puts the keyboard into the list.

   Keys: arrow up and down move, right or Enter opens, left or Backspace goes back, 1 to 9 take a row,
   "/" searches, Escape leaves the search. Keys typed into other fields are left alone. */
const categoryPicker = (host, tree) => {
  const MOST_HITS = 40;
  const make = (tag, className, ...children) => {
    const node = document.createElement(tag);
    node.className = className;
    node.append(...children);
    return node;
  };
  const button = (className, ...children) => {
    const node = make("button", className, ...children);
    node.type = "button";
    return node;
  };
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const folds = new WeakMap();
  const folded = (node, above) => {
    if (!folds.has(node)) {
      const name = fold(node.name);
      const upper = above.length ? folds.get(above[above.length - 1]).whole : "";
      folds.set(node, { name, whole: `${upper} ${name}` });
    }
    return folds.get(node);
  };
  const isLeaf = (node) => !node.children && node.file === undefined;
  const top = { id: "", name: "All categories", children: tree.nodes };
  const loaded = new Map();
  let path = [top];
  let chosen = null;
  let shown = 0;

  const search = make("input", "picker-search");
  search.type = "search";
  search.placeholder = "Search all categories";
  search.setAttribute("aria-label", "Search all categories");
  search.autocomplete = "off";
  const crumbs = make("nav", "picker-crumbs");
  crumbs.setAttribute("aria-label", "Where you are in the tree");
  const status = make("p", "picker-status unseen");
  status.setAttribute("role", "status");
  const list = make("ul", "picker-list");
  host.classList.add("picker");
  host.append(search, crumbs, list, status);

  const childrenOf = async (node) => {
    if (node.children) return node.children;
    if (!loaded.has(node.file)) loaded.set(node.file, tree.load(node.file));
    try {
      const found = (await loaded.get(node.file))[node.id];
      if (!Array.isArray(found)) throw new Error("no such category");
      node.children = found;
    } catch (error) {
      loaded.delete(node.file);
      throw error;
    }
    return node.children;
  };

  const announce = (detail) => {
    chosen = detail;
    for (const row of list.querySelectorAll(".picker-row[aria-pressed]"))
      row.setAttribute("aria-pressed", String(row.dataset.id === detail?.id));
    host.dispatchEvent(new CustomEvent("pick", { detail, bubbles: true }));
  };

  const row = (node, above, number) => {
    const words = make("span", "picker-words", make("span", "picker-name", node.name));
    if (search.value.trim() && above.length)
      words.append(make("span", "picker-above", above.map((each) => each.name).join(" › ")));
    if (node.about) words.append(make("span", "picker-about", node.about));
    const node_ = button("picker-row");
    node_.dataset.id = node.id;
    if (number <= 9) {
      const key = make("kbd", "picker-key", String(number));
      key.setAttribute("aria-hidden", "true");
      node_.append(key);
    }
    node_.append(words);
    if (node.examples?.length) {
      const pictures = make("span", "picker-examples");
      for (const source of node.examples) {
        const picture = make("img", "");
        picture.src = source;
        picture.alt = "";
        picture.loading = "lazy";
        pictures.append(picture);
      }
      node_.append(pictures);
    }
    const names = [...above.map((each) => each.name), node.name];
    if (isLeaf(node)) {
      node_.setAttribute("aria-pressed", String(chosen?.id === node.id));
      node_.append(make("span", "picker-mark"));
      node_.addEventListener("click", () =>
        announce({ id: node.id, label: node.label ?? names.join(" > "), path: names }));
    } else {
      const arrow = make("span", "picker-arrow", "›");
      arrow.setAttribute("aria-hidden", "true");
      node_.append(arrow, make("span", "unseen", ", has subcategories"));
      node_.addEventListener("click", () => open([top, ...above, node]));
    }
    return make("li", "", node_);
  };

  const fill = (rows, said) => {
    list.replaceChildren(...rows);
    status.textContent = said;
  };

  const failed = (again) => {
    const retry = button("picker-retry", "Try again");
    retry.addEventListener("click", again);
    fill([make("li", "picker-note", "These categories could not be loaded. ", retry)], "Not loaded");
    retry.focus();
  };

  const drawCrumbs = (way) => {
    crumbs.replaceChildren();
    way.forEach((node, depth) => {
      if (depth) {
        const mark = make("span", "picker-step", "›");
        mark.setAttribute("aria-hidden", "true");
        crumbs.append(mark);
      }
      if (depth === way.length - 1) {
        const here = make("span", "picker-here", node.name);
        here.setAttribute("aria-current", "true");
        crumbs.append(here);
      } else {
        const back = button("picker-crumb", node.name);
        back.addEventListener("click", () => open(way.slice(0, depth + 1), way[depth + 1].id));
        crumbs.append(back);
      }
    });
  };

  // `from` is the id of the row that gets the keyboard, "" for the first, null for none.
  const open = async (way, from = "") => {
    const turn = ++shown;
    path = way;
    search.value = "";
    drawCrumbs(path);
    const here = path[path.length - 1];
    let children;
    try {
      if (!here.children) fill([make("li", "picker-note", "Loading…")], "Loading");
      children = await childrenOf(here);
    } catch {
      if (turn === shown) failed(() => open(way, from));
      return;
    }
    if (turn !== shown) return;
    const above = path.slice(1);
    fill(children.map((node, at) => row(node, above, at + 1)),
      `${here.name}: ${children.length} categories`);
    list.scrollTop = 0;
    if (from !== null) {
      const rows = [...list.querySelectorAll(".picker-row")];
      (rows.find((each) => each.dataset.id === from) ?? rows[0])?.focus();
    }
  };

  const back = () => {
    if (path.length > 1) open(path.slice(0, -1), path[path.length - 1].id);
  };

  const everyNode = async (visit) => {
    const walk = async (nodes, above) => {
      for (const node of nodes) {
        visit(node, above);
        if (!isLeaf(node)) await walk(await childrenOf(node), [...above, node]);
      }
    };
    await walk(tree.nodes, []);
  };

  const find = async () => {
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    if (!words.length) return open(path, null);
    const turn = ++shown;
    const hits = [];
    // Until the files are there, Enter must not take a row of what was shown before.
    fill([make("li", "picker-note", "Searching…")], "Searching");
    try {
      await everyNode((node, above) => {
        const { name, whole } = folded(node, above);
        if (!words.every((word) => whole.includes(word))) return;
        const inName = words.filter((word) => name.includes(word)).length;
        if (!inName) return;
        const begins = name.startsWith(words[0]) ? 1 : 0;
        hits.push({ node, above, rank: 2 * inName + begins - above.length / 100 });
      });
    } catch {
      if (turn === shown) failed(find);
      return;
    }
    if (turn !== shown) return;
    hits.sort((one, other) => other.rank - one.rank);
    const rows = hits.slice(0, MOST_HITS).map((hit, at) => row(hit.node, hit.above, at + 1));
    const said = hits.length === 1 ? "1 category found" : `${hits.length} categories found`;
    drawCrumbs([top, { id: null, name: said }]);
    if (!hits.length) rows.push(make("li", "picker-note", "No category has these words."));
    if (hits.length > MOST_HITS)
      rows.push(make("li", "picker-note", `${hits.length - MOST_HITS} more. Type another word.`));
    fill(rows, said);
    list.scrollTop = 0;
  };

  const move = (step) => {
    const rows = [...list.querySelectorAll(".picker-row")];
    const at = rows.indexOf(document.activeElement);
    rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
  };

  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "Enter") list.querySelector(".picker-row")?.click();
    else if (event.key === "Escape") open(path);
    else return;
    event.preventDefault();
  });

  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    ArrowRight: () => document.activeElement.matches(".picker-row:not([aria-pressed])")
      && document.activeElement.click(),
    ArrowLeft: back,
    Backspace: back,
    "/": () => search.focus(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || host.hidden) return;
    if (/^[1-9]$/.test(event.key)) {
      const wanted = list.querySelectorAll(".picker-row")[Number(event.key) - 1];
      wanted?.focus();
      wanted?.click();
    } else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });

  open(path, null);
  return {
    clear: () => {
      announce(null);
      return open([top], null);
    },
    focus: () => move(0),
  };
};
