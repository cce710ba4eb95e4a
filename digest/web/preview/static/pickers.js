// What the page shows: newsletter, edition, and as which subscriber.

import { ask } from "./api.js";
import { $, make, say } from "./dom.js";
import { w } from "./words.js";

const PAUSE = 150; // milliseconds after the last letter

export class Pickers {
  constructor(query, changed) {
    this.query = query;
    this.pending = null; // the last change whose answer may be on its way
    this.changed = (changes) => (this.pending = changed(changes));
    this.found = [];
    this.active = -1;
    $("newsletter").addEventListener("change", () => this.changed({ newsletter: $("newsletter").value, edition: null, reader: null }));
    $("edition").addEventListener("change", () => $("edition").checkValidity() && this.changed({ edition: $("edition").value }));
    for (const id of ["earlier", "later"]) $(id).addEventListener("click", () => this.step(id));
    $("everyone").addEventListener("click", () => {
      $("reader").value = "";
      $("reader").focus();
      this.changed({ reader: null });
      say(w("reader_everyone"));
    });
    const input = $("reader");
    input.addEventListener("input", () => this.search());
    input.addEventListener("keydown", (event) => this.walk(event));
    input.addEventListener("blur", () => this.close());
    $("readers").addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the field
  }

  draw(state) {
    this.state = state;
    const select = $("newsletter");
    const slugs = JSON.stringify(state.newsletters);
    if (select.dataset.slugs !== slugs) {
      select.dataset.slugs = slugs;
      select.replaceChildren(...state.newsletters.map(({ slug, title }) => make("option", { value: slug }, title)));
    }
    select.value = state.newsletter;
    if (document.activeElement !== $("edition")) $("edition").value = state.edition;
    const reader = state.picture?.reader;
    $("everyone").hidden = !this.query().reader;
    if (reader && document.activeElement !== $("reader")) $("reader").value = reader.address;
    const badge = state.picture?.frozen ? w("frozen") : state.picture?.state === "held" ? w("held") : "";
    $("frozen").hidden = !badge;
    $("frozen").textContent = badge;
  }

  // To the edition before or after; which one that is, the answer to the last change tells.
  async step(id) {
    await this.pending;
    this.changed({ edition: this.state[id] });
  }

  search() {
    clearTimeout(this.timer);
    const prefix = $("reader").value.trim();
    this.timer = setTimeout(async () => {
      if (prefix.length < 2) return this.close();
      this.found = await ask("api/readers", { ...this.query(), prefix });
      this.active = -1;
      this.open();
    }, PAUSE);
  }

  open() {
    const options = this.found.map(({ label }, place) =>
      make("li", { role: "option", id: `reader-${place}`, "aria-selected": "false", onclick: () => this.choose(place) }, label));
    if (!options.length) {
      this.close();
      return say(w("reader_none"));
    }
    $("readers").replaceChildren(...options);
    $("readers").hidden = false;
    $("reader").setAttribute("aria-expanded", "true");
  }

  close() {
    $("readers").hidden = true;
    $("readers").replaceChildren();
    $("reader").setAttribute("aria-expanded", "false");
    $("reader").removeAttribute("aria-activedescendant");
    this.found = [];
  }

  walk(event) {
    const length = this.found.length;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && length) this.choose(Math.max(this.active, 0));
    else if (event.key === "ArrowDown" && length) this.mark((this.active + 1) % length);
    else if (event.key === "ArrowUp" && length) this.mark((this.active + length - 1) % length);
    else return;
    event.preventDefault();
  }

  mark(place) {
    this.active = place;
    [...$("readers").children].forEach((option, n) => option.setAttribute("aria-selected", n === place));
    $("reader").setAttribute("aria-activedescendant", `reader-${place}`);
  }

  choose(place) {
    const { id, label } = this.found[place];
    $("reader").value = label;
    this.close();
    this.changed({ reader: id });
    say(w("reader_is", { address: label }));
  }
}
