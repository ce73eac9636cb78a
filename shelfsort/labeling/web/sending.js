"use strict";
// Sends what a person does until the server has said something, and tells the person.
const $ = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en");
const RETRY_MS = [500, 1000, 2000, 5000];
const SAID_MS = 1800;
const CONNECTION =
  "The server does not answer. What you did is kept in this window and is sent again.";

let busy = false;
// Of every request; a page may add its own.
const headers = { "Content-Type": "application/json" };

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

let saying = 0;
function say(text) {
  $("said").textContent = text;
  $("said").classList.add("shown");
  clearTimeout(saying);
  saying = setTimeout(() => $("said").classList.remove("shown"), SAID_MS);
}

// Sends until the server has said something; what arrives twice counts once.
async function ask(path, body) {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(path, {
        method: "POST",
        headers,
        body: JSON.stringify(body || {}),
      });
      const said = await response.json();
      if (response.ok) {
        trouble("");
        return { ...said, tries };
      }
      if (response.status === 401) {
        trouble("Your link is no longer valid. Ask for a new one, and open it.");
        return null;
      }
      if (response.status < 500) {
        trouble(said.error);
        return null;
      }
      trouble(said.error + ". It is tried again.");
    } catch {
      trouble(CONNECTION);
    }
    await wait(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
  }
}

async function asking(path, body) {
  if (busy) return null;
  busy = true;
  $("work").setAttribute("aria-busy", "true");
  try {
    return await ask(path, body);
  } finally {
    busy = false;
    $("work").removeAttribute("aria-busy");
  }
}
