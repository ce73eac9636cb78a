"use strict";
(() => {
  // A product or category may well be called "constructor".
  const own = (table, key) => Object.hasOwn(table, key) ? table[key] : undefined;
  const path = (id) => own(data.paths, id) ?? id;

  // ---- Curve -------------------------------------------------------------------------------
  function startCurve() {
    const plot = $("plot"), slider = $("slider");
    const left = 40, right = 12, top = 12, bottom = 34;
    let curve, at, place, shown;

    const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
    const accuracy = (i) => curve.accepted[i] ? 1 - curve.wrong[i] / curve.accepted[i] : 1;
    const nearest = (accepted) => {
      let low = 0, high = curve.accepted.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (curve.accepted[middle] < accepted) low = middle + 1; else high = middle;
      }
      const before = Math.max(0, low - 1);
      return accepted - curve.accepted[before] < curve.accepted[low] - accepted ? before : low;
    };
    const svg = (tag, attributes, text) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      if (text) node.textContent = text;
      plot.append(node);
      return node;
    };

    function scales() {
      const width = plot.clientWidth, height = plot.clientHeight;
      const settled = curve.accepted.map((_, i) => i).filter((i) => curve.accepted[i] >= curve.n / 20);
      const floor = Math.min(0.94, ...settled.map((i) => accuracy(i)));
      const least = Math.max(0, Math.floor(floor * 20 - 0.4) / 20);
      const x = (share) => left + share * (width - left - right);
      const y = (share) => top + (1 - (Math.max(share, least) - least) / (1 - least)) * (height - top - bottom);
      return { width, height, least, x, y };
    }

    function axes({ width, height, least, x, y }) {
      const step = 1 - least > 0.3 ? 0.1 : 1 - least > 0.11 ? 0.05 : 0.02;
      for (let share = 1; share >= least - 1e-9; share -= step) {
        svg("line", { class: "grid", x1: left, x2: width - right, y1: y(share), y2: y(share) });
        svg("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, Math.round(share * 100) + "%");
      }
      for (const share of [0, 0.25, 0.5, 0.75, 1]) {
        const anchor = share === 1 ? "end" : "middle";
        svg("text", { x: x(share) + (share === 1 ? right : 0), y: height - 18, "text-anchor": anchor }, share * 100 + "%");
      }
      svg("text", { x: x(0.5), y: height - 3, "text-anchor": "middle" }, "coverage");
      for (const mark of curve.marks) {
        const goal = mark.target / 100;
        if (goal > least) svg("line", { class: "goal", x1: left, x2: width - right, y1: y(goal), y2: y(goal) });
      }
    }

    function draw() {
      plot.replaceChildren();
      const scale = scales(), { x, y } = scale;
      axes(scale);
      const line = curve.accepted.map((a, i) => `${x(a / curve.n).toFixed(1)} ${y(accuracy(i)).toFixed(1)}`);
      const under = curve.accepted.map((a, i) => `${x(a / curve.n).toFixed(1)} ${y(curve.lower[i]).toFixed(1)}`).reverse();
      svg("path", { class: "band", d: "M" + line.join("L") + "L" + under.join("L") + "Z" });
      svg("path", { class: "line", d: "M" + line.join("L") });
      const shipped = curve.marks.filter((mark) => mark.accepted);
      shipped.forEach((mark, i) => {
        const cx = x(mark.accepted / curve.n), cy = y(1 - mark.wrong / mark.accepted);
        svg("circle", { class: "mark", cx, cy, r: 6 });
        // Left of its ring, where neither the slider's line nor the curve's fall crosses it.
        const base = i === shipped.length - 1 && cy > top + 16 ? cy - 8 : cy + 20;
        svg("text", { class: "mark-name", x: cx - 9, y: base, "text-anchor": "end" }, mark.target + " %");
      });
      const here = svg("line", { class: "here", y1: top, y2: scale.height - bottom });
      const dot = svg("circle", { class: "dot", r: 6 });
      place = () => {
        const cx = x((shown ? shown.accepted : curve.accepted[at]) / curve.n);
        here.setAttribute("x1", cx); here.setAttribute("x2", cx);
        dot.setAttribute("cx", cx); dot.setAttribute("cy", y(shown ? 1 - shown.wrong / shown.accepted : accuracy(at)));
      };
    }

    // With a mark, what the model's own thresholds accept: by category they may lie off the curve.
    function show(i, mark) {
      at = i;
      shown = mark;
      const a = mark ? mark.accepted : curve.accepted[at], w = mark ? mark.wrong : curve.wrong[at];
      const right = a ? 1 - w / a : 1, least = mark ? mark.lower : curve.lower[at], threshold = curve.thresholds[at];
      place();
      slider.value = a;
      slider.setAttribute("aria-valuetext", `${count(a)} of ${count(curve.n)} decided, ${count(w)} wrong`);
      $("decided").textContent = count(a);
      $("decided-note").textContent = `of ${count(curve.n)}: ${percent(a / curve.n)}`;
      $("wrong").textContent = count(w);
      $("wrong-note").textContent = a ? `${percent(w / a)} of the decisions` : "no decisions";
      $("right").textContent = a ? percent(right) : "–";
      $("right-note").textContent = a ? `at least ${percent(least)}` : "";
      $("left").textContent = count(curve.n - a);
      $("left-note").textContent = percent(1 - a / curve.n);
      const scaled = (n) => count(Math.round(n / curve.n * 10000));
      const rule = mark ? `The model’s thresholds at ${mark.target} %.` : threshold === null ? "No score is high enough." : `Threshold: score ${threshold.toFixed(3)}.`;
      $("per-thousand").textContent =
        `${rule} Of 10,000 products like these: ${scaled(a)} are decided automatically, ${w ? `about ${scaled(w)} of them wrongly` : "and none of those here was wrong"}; a person decides ${scaled(curve.n - a)}.`;
    }

    function choose() {
      curve = data.curves[chosen("mode")][chosen("level")];
      slider.max = curve.n;
      document.querySelector(".jumps").replaceChildren(...curve.marks.map((mark) => element("button", {
        type: "button",
        disabled: mark.accepted === 0,
        textContent: mark.accepted === 0
          ? `${mark.target} %: no decisions`
          : `${mark.target} %: ${count(mark.accepted)} decided, ${count(mark.wrong)} wrong`,
        onclick: () => show(nearest(mark.accepted), mark),
      })));
      draw();
      const start = curve.marks.find((mark) => mark.accepted > 0);
      show(start ? nearest(start.accepted) : 0, start);
    }

    slider.addEventListener("input", () => show(nearest(+slider.value)));
    slider.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show(Math.min(curve.accepted.length - 1, Math.max(0, at + step)));
    });
    const follow = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = plot.getBoundingClientRect();
      const share = (event.clientX - box.left - left) / (box.width - left - right);
      show(nearest(Math.round(Math.min(1, Math.max(0, share)) * curve.n)));
    };
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("pointermove", follow);
    document.querySelectorAll('.choices input').forEach((input) => input.addEventListener("change", choose));
    new ResizeObserver(() => { draw(); place(); }).observe(plot);
    choose();
  }

  // ---- Category table ----------------------------------------------------------------------
  function startCategories() {
    const table = $("category-table"), body = table.tBodies[0], rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells], select = $("category-sort");
    const value = (row, column) => row.cells[column].dataset.value;
    const more = $("category-more"), first = 30;
    let sorted = { column: 0, direction: 1 }, wanted = [], all = false;

    function compare(a, b, column, direction) {
      const left = value(a, column), right = value(b, column);
      // What is not known stays last, whichever way the rest is sorted.
      if (left === "" || right === "") return (left === "") - (right === "");
      if (column === 0) return direction * left.localeCompare(right);
      return direction * (left - right);
    }
    function sort(column, direction) {
      sorted = { column, direction };
      heads.forEach((head, i) => i === column
        ? head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending")
        : head.removeAttribute("aria-sort"));
      body.append(...rows.sort((a, b) => compare(a, b, column, direction)));
      show();
      select.value = `${column} ${direction}`;
    }
    function show() {
      let found = 0;
      for (const row of rows) {
        const fits = wanted.every((word) => row.dataset.search.includes(word));
        found += fits;
        row.hidden = !fits || (!all && found > first);
      }
      $("category-count").textContent = `${count(found)} of ${count(rows.length)} categories`;
      $("category-none").hidden = found > 0;
      more.hidden = all || found <= first;
      more.textContent = `Show all ${count(found)}`;
    }
    heads.forEach((head, column) => {
      const name = head.textContent.trim();
      for (const direction of column ? [-1, 1] : [1, -1]) {
        const order = column ? (direction < 0 ? "highest first" : "lowest first") : (direction > 0 ? "A to Z" : "Z to A");
        select.append(new Option(`${name}, ${order}`, `${column} ${direction}`));
      }
      head.querySelector("button").addEventListener("click", () =>
        sort(column, sorted.column === column ? -sorted.direction : column ? -1 : 1));
    });
    select.addEventListener("change", () => sort(...select.value.split(" ").map(Number)));
    $("category-search").addEventListener("input", (event) => {
      wanted = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      show();
    });
    const showAll = () => { all = true; show(); };
    more.addEventListener("click", showAll);
    addEventListener("beforeprint", showAll);
    // The worst come first.
    if (rows.length) sort(2, 1);
  }

  // ---- Products on cards -------------------------------------------------------------------
  // Some megabytes: parsed when the first picture is wanted, not before the page is drawn.
  let pictures;
  const enlarged = $("enlarged");
  enlarged.addEventListener("click", () => enlarged.close());
  const enlarge = (source, name) => {
    Object.assign(enlarged.querySelector("img"), { src: source, alt: name });
    enlarged.showModal();
  };
  const picture = (id) => own(pictures ??= JSON.parse($("pictures").textContent), id);
  const named = (id) => {
    const parts = path(id).split(" > "), leaf = element("bdi", { className: "leaf", textContent: parts.pop() });
    const above = element("span", { className: "above", textContent: parts.join(" › ") });
    return element("span", { className: "category-name" }, ...(parts.length ? [above] : []), leaf);
  };
  const tag = (text, kind = "") => element("span", { className: `tag ${kind}`, textContent: text });
  const searchable = (...texts) => texts.join("\n").toLowerCase();
  const holds = (text, query) => query.split(/\s+/).every((word) => text.includes(word));

  // ---- Marks: the label or the model is right. They last until the page is closed. -----------
  // By product: the category that is right, and whose it is.
  const marks = new Map();
  const cell = (text) => `"${String(text).replaceAll('"', '""')}"`;
  function marked() {
    $("marks").hidden = marks.size === 0;
    $("marks-count").textContent = `${count(marks.size)} marked`;
  }
  function choice({ id }, sides) {
    const buttons = sides.map(([words, right, category]) => {
      const button = element("button", { type: "button", className: "mark", textContent: words });
      button.addEventListener("click", () => {
        if (marks.get(id)?.right === right) marks.delete(id);
        else marks.set(id, { right, category });
        show();
        marked();
      });
      return [button, right];
    });
    const show = () => buttons.forEach(([button, right]) => button.setAttribute("aria-pressed", marks.get(id)?.right === right));
    show();
    return element("div", { className: "marking" }, ...buttons.map(([button]) => button));
  }
  $("marks-save").addEventListener("click", () => {
    const rows = [...marks].map(([id, { right, category }]) => [id, "report", path(category), right].map(cell).join(","));
    const file = new Blob([["task,worker,label,right", ...rows].join("\r\n"), "\r\n"], { type: "text/csv" });
    const link = element("a", { href: URL.createObjectURL(file), download: "marks.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  });

  function photoOf(product) {
    const source = picture(product.id), name = product.title || product.id;
    return source
      ? element("button", { type: "button", className: "photo", ariaLabel: `Enlarge the picture of ${name}`, onclick: () => enlarge(source, name) },
        element("img", { src: source, alt: "", loading: "lazy", decoding: "async" }))
      : element("div", { className: "photo" }, "no picture");
  }

  // ---- Why: what each half says, which words count, and what is near ------------------------
  const leafOf = (id) => element("bdi", { textContent: path(id).split(" > ").pop() });
  function halves(alone, label, predicted) {
    const heads = [["Model", predicted], ["Label", label]].map(([name, id]) => element("th", { scope: "col" }, name, leafOf(id)));
    const rows = [["text", "Words alone"], ["image", "Image alone"]].filter(([mode]) => alone[mode]).map(([mode, name]) =>
      element("tr", {}, element("th", { scope: "row", textContent: name }),
        ...alone[mode].map((share) => element("td", { textContent: share === null ? "–" : percent(share) }))));
    return element("table", {}, element("thead", {}, element("tr", {}, element("td"), ...heads)), element("tbody", {}, ...rows));
  }
  function terms(found, category) {
    if (!found.length) return [];
    const item = ([kind, word, change]) => element("li", { className: "tag" },
      kind === "word" ? element("bdi", { textContent: word }) : element("i", { textContent: kind === "price" ? "price" : "whole description" }),
      ` +${change.toFixed(2)}`);
    return [element("h4", {}, "Words for ", leafOf(category)), element("ul", { className: "tags" }, ...found.map(item))];
  }
  function nearest(neighbours, label, predicted) {
    const whose = (id) => id === label ? "as the label" : id === predicted ? "as the model" : "another category";
    const item = (each) => element("li", {}, photoOf(each), element("div", {},
      element("bdi", { className: "title", textContent: each.title || each.id }), named(each.label),
      element("div", { className: "tags" }, tag(whose(each.label)), tag(`similarity ${each.similarity.toFixed(2)}`))));
    return element("ol", { className: "nearest", ariaLabel: "Nearest training products" }, ...neighbours.map(item));
  }
  function why(id, label, predicted) {
    const found = own(data.explained, id);
    if (!found) return [];
    const answers = found.alone ? [halves(found.alone, label, predicted), ...terms(found.predicted, predicted), ...terms(found.label, label)] : [];
    const products = found.nearest.length ? [element("h4", { textContent: "Nearest training products" }), nearest(found.nearest, label, predicted)] : [];
    return [element("details", { className: "why" },
      element("summary", { textContent: found.alone ? "Why?" : "What is near?" }),
      element("div", {}, ...answers, ...products))];
  }

  function card(product, facts, tags, label, other) {
    const [description, price] = own(data.details, product.id) ?? ["", null];
    if (price !== null) facts = [...facts, ["Price", price.toLocaleString("en")]];
    const words = description ? [element("p", { className: "description", textContent: description, title: description })] : [];
    const list = element("dl", {}, ...facts.flatMap(([name, value]) =>
      [element("dt", { textContent: name }), element("dd", {}, value)]));
    const title = element("h3", {}, element("bdi", { textContent: product.title || product.id }));
    title.title = `${product.title} (${product.id})`;
    const buttons = [["Label is right", "label", label], ["Model is right", "model", other]];
    return element("li", {}, photoOf(product),
      element("div", {}, title, ...words, list, element("div", { className: "tags" }, ...tags), choice(product, buttons)),
      ...why(product.id, label, other));
  }
  // A list that comes in portions and says how many fit; gives what draws it anew.
  function startCards(name, products, fits, draw) {
    const list = $(`${name}-list`), page = 24;
    let shown = [];
    function more() {
      const from = list.children.length;
      list.append(...shown.slice(from, from + page).map(draw));
      const rest = shown.length - list.children.length;
      $(`${name}-more`).hidden = rest <= 0;
      $(`${name}-more`).textContent = rest > page ? `Show ${page} more of ${count(rest)}` : `Show the last ${rest}`;
    }
    $(`${name}-more`).addEventListener("click", more);
    return () => {
      shown = products.filter(fits);
      list.replaceChildren();
      more();
      $(`${name}-count`).textContent = `${count(shown.length)} of ${count(products.length)} ${{ suspect: "label issues", error: "errors", doubt: "predictions" }[name]}`;
      $(`${name}-none`).hidden = shown.length > 0;
    };
  }
  // After the first paint: the verdict is at the top, the pictures far below.
  const later = (task) => requestAnimationFrame(() => setTimeout(task));

  // ---- Errors ------------------------------------------------------------------------------
  function startErrors() {
    const errors = data.errors.map((error) => {
      const category = data.categories[error.category], predicted = data.categories[error.predicted];
      return { ...error, category, predicted, search: searchable(error.title, error.id, path(category), path(predicted)) };
    });
    const chosen = { query: "", category: "", predicted: "", kind: "all" };
    const kinds = {
      all: () => true,
      decided: (error) => error.decided,
      left: (error) => !error.decided,
      label: (error) => error.labelIsWrong,
    };
    const fits = (error) => {
      if (!kinds[chosen.kind](error)) return false;
      if (chosen.predicted) {
        if (error.category !== chosen.category || error.predicted !== chosen.predicted) return false;
      } else if (chosen.category && error.category !== chosen.category && error.predicted !== chosen.category) {
        return false;
      }
      return holds(error.search, chosen.query);
    };
    const draw = startCards("error", errors, fits, (error) => {
      const tags = [error.decided ? tag("decided wrongly", "bad") : tag("left to a person")];
      if (error.labelIsWrong) tags.push(tag("gold label agrees with the model", "good"));
      if (error.labelConfidence !== null && error.labelConfidence < 1) tags.push(tag(`${Math.round(error.labelConfidence * 100)} % of workers agreed`));
      return card(error, [["Label", named(error.category)], ["Model", named(error.predicted)], ["Score", error.score.toFixed(3)]], tags, error.category, error.predicted);
    });
    function filter() {
      draw();
      $("error-clear").hidden = !chosen.predicted;
      $("error-clear").textContent = chosen.predicted ? `${path(chosen.category)} predicted as ${path(chosen.predicted)} ✕` : "";
      $("error-category").value = chosen.predicted ? "" : chosen.category;
    }
    function goTo(category, predicted) {
      Object.assign(chosen, { category, predicted, query: "", kind: "all" });
      $("error-search").value = "";
      $("error-kind").value = "all";
      filter();
      $("errors").scrollIntoView();
      $("errors-title").focus({ preventScroll: true });
    }

    const used = new Set(errors.flatMap((error) => [error.category, error.predicted]));
    const names = [...used].sort((a, b) => path(a).localeCompare(path(b)));
    $("error-category").append(...names.map((id) => new Option(path(id), id)));
    $("error-category").addEventListener("change", (event) => {
      Object.assign(chosen, { category: event.target.value, predicted: "" });
      filter();
    });
    $("error-kind").addEventListener("change", (event) => { chosen.kind = event.target.value; filter(); });
    $("error-search").addEventListener("input", (event) => { chosen.query = event.target.value.toLowerCase().trim(); filter(); });
    $("error-clear").addEventListener("click", () => { Object.assign(chosen, { category: "", predicted: "" }); filter(); });
    document.querySelectorAll("button[data-category]").forEach((button) =>
      button.addEventListener("click", () => goTo(button.dataset.category, button.dataset.predicted || "")));
    later(filter);
  }

  // ---- What stood against a proof ----------------------------------------------------------
  function startDoubts() {
    const doubts = data.doubts.map((doubt) => ({ ...doubt, label: data.categories[doubt.label], predicted: data.categories[doubt.predicted] }));
    later(startCards("doubt", doubts, () => true, (doubt) =>
      card(doubt, [["Label", named(doubt.label)], ["Model", named(doubt.predicted)], ["Score", doubt.score.toFixed(3)]], [tag(`against ${doubt.target} %`)], doubt.label, doubt.predicted)));
  }

  // ---- Suspect labels ----------------------------------------------------------------------
  function startSuspects() {
    const suspects = data.suspects.map((suspect) => {
      const label = data.categories[suspect.label], likely = data.categories[suspect.likely];
      return { ...suspect, label, likely, search: searchable(suspect.title, suspect.id, path(label), path(likely)) };
    });
    const fits = (suspect) => {
      const label = $("suspect-label").value;
      return (!label || suspect.label === label) && holds(suspect.search, $("suspect-search").value.toLowerCase().trim());
    };
    const filter = startCards("suspect", suspects, fits, (suspect) =>
      card(suspect, [["Label", named(suspect.label)], ["Likely", named(suspect.likely)]], [tag(`label probability ${percent(suspect.score)}`)], suspect.label, suspect.likely));
    const sizes = new Map();
    suspects.forEach(({ label }) => sizes.set(label, (sizes.get(label) ?? 0) + 1));
    const labels = [...sizes].sort(([a, n], [b, m]) => m - n || path(a).localeCompare(path(b)));
    $("suspect-label").append(...labels.map(([id, n]) => new Option(`${path(id)} (${count(n)})`, id)));
    $("suspect-label").addEventListener("change", filter);
    $("suspect-search").addEventListener("input", filter);
    later(filter);
  }

  // ---- The rest ----------------------------------------------------------------------------
  function startSiblings() {
    $("sibling-choice").addEventListener("change", (event) =>
      document.querySelectorAll("[data-matrix]").forEach((matrix) => {
        matrix.hidden = matrix.dataset.matrix !== event.target.value;
      }));
  }
  function startContents() {
    const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        const link = links.get(entry.target.id);
        link.setAttribute("aria-current", "true");
        // On a narrow screen the contents are one line that scrolls.
        link.closest("ol").scrollLeft = link.offsetLeft - 16;
      }
    }, { rootMargin: "-15% 0px -75% 0px" });
    links.forEach((_, id) => seen.observe($(id)));
  }

  if ($("plot")) startCurve();
  startCategories();
  if ($("error-list")) startErrors();
  if ($("doubt-list")) startDoubts();
  if ($("suspect-list")) startSuspects();
  if ($("sibling-choice")) startSiblings();
  startContents();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
})();
