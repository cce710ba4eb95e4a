// A mail in a sandboxed frame. The next picture loads behind the present one and takes its place scrolled alike.

import { make } from "./dom.js";
import { w } from "./words.js";

const NARROWEST = 280;
const WIDEST = 1000;
const STEP = 10;

export class Frame {
  constructor() {
    this.holder = make("div", { class: "frame" });
    this.shown = null; // the iframe that is seen
    this.address = "";
    this.key = ""; // what keeps its own place: a pane
    this.places = new Map(); // scroll by key
    this.marked = null;
    this.onshow = null; // called once when a frame has loaded
  }

  show(address, key, title) {
    if (address === this.address) return this.afterwards();
    this.remember();
    this.address = address;
    // Scripts stay off; this page itself may look inside, to find elements and to keep the place.
    const next = make("iframe", { sandbox: "allow-same-origin", title, src: address, class: "coming" });
    next.addEventListener("load", () => this.swap(next, address, key), { once: true });
    this.holder.append(next);
  }

  swap(next, address, key) {
    if (address !== this.address) return next.remove(); // overtaken by a newer picture
    if (this.shown && this.key === key) this.remember(); // it may have been scrolled while the next one loaded
    const [left, top] = this.places.get(key) ?? [0, 0];
    const had_focus = document.activeElement === this.shown;
    next.contentWindow.scrollTo(left, top);
    next.className = "";
    for (const other of [...this.holder.children]) if (other !== next) other.remove();
    this.shown = next;
    this.key = key;
    if (had_focus) next.focus();
    this.afterwards();
  }

  afterwards() {
    const task = this.onshow;
    if (!task || !this.shown || this.shown.getAttribute("src") !== this.address) return;
    this.onshow = null;
    task();
  }

  remember() {
    const view = this.shown?.contentWindow;
    if (view) this.places.set(this.key, [view.scrollX, view.scrollY]);
  }

  clear() {
    this.remember();
    this.address = "";
    this.shown = null;
    this.holder.replaceChildren();
  }

  // Brings the element of that number into view and marks it; false where this pane does not have it.
  jump(number) {
    const element = this.shown?.contentDocument?.querySelector(`[data-element="${number}"]`);
    if (!element) return false;
    this.unmark();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
    this.marked = [element, element.style.outline, element.style.outlineOffset];
    element.style.setProperty("outline", "3px solid #e8112d", "important");
    element.style.setProperty("outline-offset", "2px", "important");
    return true;
  }

  unmark() {
    if (!this.marked) return;
    const [element, outline, offset] = this.marked;
    element.style.outline = outline;
    element.style.outlineOffset = offset;
    this.marked = null;
  }
}

// The frame with buttons for common widths and a handle at its edge; `changed` is told the width, 0 for all there is.
export function resizable(frame, width, changed) {
  const handle = make("div", {
    class: "handle", role: "separator", tabindex: "0", "aria-orientation": "vertical", "data-key": "handle",
    "aria-label": w("width_handle"), "aria-valuemin": NARROWEST, "aria-valuemax": WIDEST,
  });
  const sheet = make("div", { class: "sheet" }, frame.holder, handle);
  const buttons = [320, 375, 414, 640, 0].map((pixels) =>
    make("button", {
      type: "button", "data-key": `width-${pixels}`, onclick: () => set(pixels),
    }, pixels ? String(pixels) : w("width_full")));

  function set(pixels) {
    const wanted = pixels && Math.round(Math.min(WIDEST, Math.max(NARROWEST, pixels)));
    frame.holder.style.width = wanted ? `${wanted}px` : "";
    sheet.classList.toggle("full", !wanted);
    const now = wanted || Math.round(frame.holder.getBoundingClientRect().width);
    handle.setAttribute("aria-valuenow", Math.min(WIDEST, Math.max(NARROWEST, now || NARROWEST)));
    handle.setAttribute("aria-valuetext", `${now} px`);
    [320, 375, 414, 640, 0].forEach((each, place) => buttons[place].setAttribute("aria-pressed", each === wanted));
    label.textContent = wanted ? `${wanted} px` : "";
    changed(wanted);
  }

  const present = () => frame.holder.getBoundingClientRect().width;
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -STEP, ArrowRight: STEP, PageDown: -10 * STEP, PageUp: 10 * STEP };
    const ends = { Home: NARROWEST, End: WIDEST };
    if (event.key in steps) set(present() + steps[event.key]);
    else if (event.key in ends) set(ends[event.key]);
    else return;
    event.preventDefault();
  });
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    const start = [event.clientX, present()];
    sheet.classList.add("dragging"); // or the frame would swallow the pointer
    // The sheet is centred, so its edge moves half as far as its width grows.
    const drag = (moved) => set(start[1] + 2 * (moved.clientX - start[0]));
    handle.addEventListener("pointermove", drag);
    handle.addEventListener("lostpointercapture", () => {
      sheet.classList.remove("dragging");
      handle.removeEventListener("pointermove", drag);
    }, { once: true });
  });
  const label = make("span", { class: "aside" });
  const bar = make("div", { class: "widths", role: "group", "aria-label": w("width") },
    make("span", { class: "aside", "aria-hidden": "true" }, w("width")), ...buttons, label);
  return { bar, sheet, start: () => set(width) };
}
