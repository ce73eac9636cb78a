"use strict";
// What every page of one file begins with.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en");
// Rounding may not turn a miss into "100 %", nor a hit into "0 %".
const percent = (share) => {
  const text = (share * 100).toFixed(1);
  if (share < 1 && text === "100.0") return "99.9\u202f%";
  return share > 0 && text === "0.0" ? "<\u202f0.1\u202f%" : text + "\u202f%";
};
const element = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
