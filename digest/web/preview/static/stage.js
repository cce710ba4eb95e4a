// The panes: tabs, and what each of them shows.

import { addressOf } from "./api.js";
import { $, make } from "./dom.js";
import { Frame, resizable } from "./frame.js";
import { show_inbox, show_source, show_text } from "./parts.js";
import { w } from "./words.js";

const FRAMED = ["desktop", "phone", "dark", "inverted", "stripped", "images-off", "word"];
const PANES = [...FRAMED, "text", "inbox", "source"];
const PHONE = 375;

export class Stage {
  constructor() {
    this.frame = new Frame();
    this.pane = "desktop";
    this.picture = null;
    this.drawn = ""; // pane, picture and language that stand on the stage
    this.widths = new Map([["phone", PHONE]]);
    this.source = { view: "html", line: 0 };
    this.unfold = true; // as clients that know format=flowed show the text
    $("tabs").addEventListener("keydown", (event) => this.walk(event));
  }

  draw_tabs() {
    const tabs = PANES.map((pane) =>
      make("button", {
        type: "button", role: "tab", id: `tab-${pane}`, "aria-controls": "stage", onclick: () => this.choose(pane),
      }, w(`pane_${pane}`)));
    const focused = document.activeElement?.id;
    $("tabs").replaceChildren(...tabs);
    this.mark_tab();
    if (focused?.startsWith("tab-")) $(focused)?.focus();
    this.drawn = "";
  }

  mark_tab() {
    for (const tab of $("tabs").children) {
      const chosen = tab.id === `tab-${this.pane}`;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    $("stage").setAttribute("aria-labelledby", `tab-${this.pane}`);
  }

  // Arrow keys, Home and End, as the WAI-ARIA pattern for tabs has it.
  walk(event) {
    const place = PANES.indexOf(this.pane);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: PANES.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(PANES.at(next % PANES.length));
    $(`tab-${this.pane}`).focus();
  }

  choose(pane) {
    this.pane = pane;
    this.mark_tab();
    this.draw();
  }

  show(picture) {
    this.picture = picture;
    this.draw();
  }

  draw() {
    const wanted = `${this.pane} ${this.picture} ${document.documentElement.lang}`;
    if (wanted === this.drawn) return;
    const [pane, , language] = this.drawn.split(" ");
    const same_pane = pane === this.pane && language === document.documentElement.lang;
    this.drawn = wanted;
    if (!this.picture) {
      this.frame.clear();
      $("stage").replaceChildren(make("p", { class: "nothing" }, w("nothing")));
      this.drawn = "";
    } else if (FRAMED.includes(this.pane)) this.draw_frame(same_pane);
    else this.draw_part(same_pane);
  }

  draw_frame(same_pane) {
    if (!same_pane) {
      this.frame.clear();
      const sized = resizable(this.frame, this.widths.get(this.pane) ?? 0, (width) => this.widths.set(this.pane, width));
      $("stage").replaceChildren(this.about(sized.bar), sized.sheet);
      $("stage").className = `stage framed on-${this.pane}`;
      sized.start();
    }
    this.load(this.pane);
  }

  load(pane) {
    const title = w("frame_title", { pane: w(`pane_${pane}`) });
    this.frame.show(addressOf(`pane/${pane}`, { picture: this.picture }), this.pane, title);
  }

  async draw_part(same_pane) {
    const show = { text: show_text, inbox: show_inbox, source: show_source }[this.pane];
    if (!same_pane) {
      this.frame.clear();
      $("stage").className = `stage on-${this.pane}`;
    }
    await show(this, this.picture);
  }

  about(...controls) {
    return make("div", { class: "about" }, make("p", {}, w(`about_${this.pane}`)), ...controls);
  }

  // Puts content on the stage unless another pane or picture was asked for meanwhile; keeps the place.
  place(picture, pane, ...content) {
    if (picture !== this.picture || pane !== this.pane) return;
    const stage = $("stage");
    const places = [...stage.querySelectorAll("[data-place]")].map((each) => [each.dataset.place, each.scrollTop]);
    const focused = document.activeElement?.dataset?.key;
    stage.replaceChildren(this.about(), ...content);
    for (const [name, top] of places) {
      const again = stage.querySelector(`[data-place="${name}"]`);
      if (again) again.scrollTop = top;
    }
    if (focused) stage.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  // Shows where a finding lies: its element in a frame, else its line in the source.
  jump(finding) {
    if (finding.element !== null) {
      if (!FRAMED.includes(this.pane) && this.pane !== "text") this.choose("desktop");
      this.frame.onshow = () => this.frame.jump(finding.element) || this.jump_to_line(finding);
      this.frame.afterwards();
    } else this.jump_to_line(finding);
  }

  jump_to_line(finding) {
    this.source = { view: { html: "html", text: "text", message: "raw" }[finding.part], line: finding.line ?? 1 };
    this.drawn = this.drawn.startsWith("source ") ? this.drawn.replace(/ \S+ /, " ? ") : "";
    this.choose("source");
  }
}
