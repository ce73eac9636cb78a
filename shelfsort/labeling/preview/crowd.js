"use strict";
/* Stand-ins for the crowd elements of AWS, and what happens with the answer in a preview. */
(() => {
  const FIELDS = "input[name], textarea[name], select[name], crowd-input[name], crowd-text-area[name], "
    + "crowd-checkbox[name], crowd-radio-group";
  const state = document.currentScript.dataset;

  const valueOf = (field) => {
    if (field.localName === "crowd-radio-group")
      return Object.fromEntries([...field.querySelectorAll("crowd-radio-button")]
        .map((each) => [each.getAttribute("name"), each.checked]));
    if (field.localName === "crowd-checkbox" || field.type === "checkbox") return field.checked;
    return field.value;
  };

  const answerOf = (form) => {
    const answer = {};
    for (const field of form.querySelectorAll(FIELDS)) {
      if (field.closest("crowd-input, crowd-text-area, crowd-checkbox") !== field
        && field.closest("crowd-input, crowd-text-area, crowd-checkbox")) continue;
      if (field.localName === "crowd-radio-group") Object.assign(answer, valueOf(field));
      else if (field.type === "radio") {
        answer[field.name] ??= {};
        answer[field.name][field.value] = field.checked;
      } else answer[field.getAttribute("name")] = valueOf(field);
    }
    return answer;
  };

  const show = (answer, next) => {
    const panel = document.getElementById("preview-answer");
    panel.querySelector("pre").textContent = JSON.stringify(answer, null, 2);
    const link = panel.querySelector("a");
    link.hidden = next === null;
    if (next !== null) link.href = `/task/${next}`;
    panel.showModal();
  };

  class CrowdForm extends HTMLElement {
    connectedCallback() {
      document.addEventListener("DOMContentLoaded", () => {
        if (this.querySelector("crowd-button[form-action=submit], button[type=submit]")) return;
        const added = document.createElement("crowd-button");
        added.setAttribute("form-action", "submit");
        added.textContent = "Submit";
        this.append(added);
      });
    }

    async submit() {
      const going = new Event("submit", { bubbles: true, cancelable: true });
      if (!this.dispatchEvent(going)) return;
      const missing = [...this.querySelectorAll("[required]")].find((each) => !valueOf(each));
      if (missing) {
        missing.focus();
        return;
      }
      const answer = answerOf(this);
      const sent = await fetch(`/task/${state.task}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(answer),
      });
      const said = await sent.json();
      if (sent.ok) show(answer, said.next);
      else alert(said.error);
    }
  }

  class CrowdButton extends HTMLElement {
    connectedCallback() {
      this.tabIndex = 0;
      this.setAttribute("role", "button");
      this.addEventListener("click", () => this.press());
      this.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        this.press();
      });
    }

    press() {
      if (this.getAttribute("form-action") === "submit") this.closest("crowd-form")?.submit();
    }
  }

  class Checked extends HTMLElement {
    connectedCallback() {
      this.tabIndex = 0;
      this.setAttribute("role", this.localName === "crowd-checkbox" ? "checkbox" : "radio");
      this.check(this.hasAttribute("checked"));
      this.addEventListener("click", () => this.toggle());
      this.addEventListener("keydown", (event) => {
        if (event.key !== " ") return;
        event.preventDefault();
        this.toggle();
      });
    }

    check(on) {
      this.checked = on;
      this.setAttribute("aria-checked", String(on));
    }

    toggle() {
      const group = this.closest("crowd-radio-group");
      for (const each of group?.querySelectorAll("crowd-radio-button") ?? []) each.check(false);
      this.check(group ? true : !this.checked);
    }
  }

  class Field extends HTMLElement {
    connectedCallback() {
      if (this.field) return;
      this.field = document.createElement(this.localName === "crowd-input" ? "input" : "textarea");
      this.field.setAttribute("aria-label", this.getAttribute("label") ?? this.getAttribute("name"));
      this.field.placeholder = this.getAttribute("placeholder") ?? this.getAttribute("label") ?? "";
      this.field.value = this.getAttribute("value") ?? "";
      this.append(this.field);
    }

    get value() {
      return this.field.value;
    }

    set value(text) {
      this.field.value = text;
    }
  }

  customElements.define("crowd-form", CrowdForm);
  customElements.define("crowd-button", CrowdButton);
  customElements.define("crowd-checkbox", Checked);
  customElements.define("crowd-radio-button", class extends Checked {});
  customElements.define("crowd-input", class extends Field {});
  customElements.define("crowd-text-area", class extends Field {});
})();
