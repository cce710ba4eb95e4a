// Subject and intro, edited in place: kept on Enter or when the field is left, given up with Escape.

import { $, say } from "./dom.js";
import { w } from "./words.js";

export class Wording {
  constructor(save) {
    this.known = { subject: "", intro: "" };
    for (const kind of ["subject", "intro"]) {
      const field = $(kind);
      const keep = async () => {
        if (field.value === this.known[kind]) return;
        this.known[kind] = field.value;
        if (await save(kind, field.value)) say(w("saved"));
      };
      field.addEventListener("blur", keep);
      field.addEventListener("keydown", (event) => {
        const is_enter = event.key === "Enter" && !event.isComposing;
        if (is_enter && (kind === "subject" || event.ctrlKey || event.metaKey)) keep();
        else if (event.key === "Escape") field.value = this.known[kind];
        else return;
        event.preventDefault();
      });
      $(`${kind}-reset`).addEventListener("click", () => {
        save(kind, null);
        field.focus();
      });
    }
  }

  // Nothing to show, nothing to write.
  clear() {
    for (const kind of ["subject", "intro"]) {
      $(kind).value = this.known[kind] = "";
      $(kind).readOnly = true;
      $(`${kind}-reset`).hidden = true;
    }
    for (const id of ["subject-columns", "preheader", "intro-start"]) $(id).textContent = "";
  }

  draw({ words, preheader, frozen }) {
    for (const kind of ["subject", "intro"]) {
      const field = $(kind);
      // What is being written stays; what was only displayed follows.
      if (document.activeElement !== field || field.value === this.known[kind]) field.value = words[kind];
      this.known[kind] = words[kind];
      field.readOnly = frozen;
      $(`${kind}-reset`).hidden = !words[`${kind}_is_own`];
    }
    const figures = { columns: words.subject_columns, limit: words.subject_limit };
    $("subject-columns").textContent = w("columns", figures);
    $("subject-columns").classList.toggle("error", words.subject_columns > words.subject_limit);
    $("preheader").textContent = preheader;
    $("intro-start").textContent = words.intro.trim().split("\n")[0] || w("intro_none");
  }
}
