// The panes that are no picture of a client: text beside HTML, inbox rows, source.

import { ask } from "./api.js";
import { make } from "./dom.js";
import { number, w } from "./words.js";

const answers = new Map(); // the last answer of each question: a redraw that changes nothing asks nothing

async function about(question, picture) {
  const known = answers.get(question);
  if (known?.picture === picture) return known.body;
  const body = await ask(`api/${question}`, { picture });
  answers.set(question, { picture, body });
  return body;
}

export async function show_text(stage, picture) {
  const text = await about("text", picture);
  const words = make("pre", { tabindex: "0", "data-place": "text", "aria-label": w("text_part") });
  const write = () => {
    const joined = stage.unfold && text.is_flowed;
    words.textContent = joined ? text.unfolded : text.text;
    words.className = joined ? "" : "as-sent";
  };
  const box = make("input", { type: "checkbox", checked: stage.unfold, "data-key": "unfold", onchange: () => {
    stage.unfold = box.checked;
    write();
  } });
  write();
  stage.place(picture, "text",
    difference(text),
    make("div", { class: "beside" },
      stage.frame.holder,
      make("div", { class: "plain-text" },
        text.is_flowed ? make("label", { class: "check" }, box, ` ${w("unfold")}`) : null, words)));
  if (stage.pane !== "text" || stage.picture !== picture) return;
  stage.frame.holder.style.width = "";
  stage.load("desktop");
}

function difference(text) {
  const lists = ["only_in_html", "only_in_text"].filter((name) => text[name].length);
  if (!lists.length) return make("p", { class: "good note" }, w("links_same", { count: number(text.both.length) }));
  return make("div", { class: "difference" }, ...lists.map((name) =>
    make("div", {}, make("h3", {}, `${w(name)} ${text[name].length}`),
      make("ul", { tabindex: "0", "data-place": name, "aria-label": w(name) },
        ...text[name].map((url) => make("li", {}, url))))));
}

export async function show_inbox(stage, picture) {
  const rows = await about("inbox", picture);
  stage.place(picture, "inbox", make("ul", { class: "inboxes", "data-place": "inbox", tabindex: "0",
    "aria-label": w("pane_inbox") }, ...rows.map(inbox_row)));
}

function inbox_row(row) {
  const cuts = row.cut.length ? row.cut.map((name) => w(`cut_${name}`)).join(", ") : w("cut_none");
  const lines = row.shares_line
    ? [make("p", {}, make("strong", {}, row.subject), row.preheader ? ` - ${row.preheader}` : "")]
    : [make("p", {}, make("strong", {}, row.subject)), row.preheader ? make("p", { class: "aside" }, row.preheader) : null];
  return make("li", { class: row.screen < 500 ? "narrow" : "wide" },
    make("h3", {}, row.client, " ", make("span", { class: "aside" }, w("screen", { pixels: number(row.screen) }))),
    make("div", { class: "row" }, make("p", { class: "from" }, row.sender), make("div", {}, ...lines)),
    make("p", { class: row.cut.length ? "cut" : "aside" }, cuts),
    make("details", {}, make("summary", {}, w("basis")), make("p", { lang: "en" }, row.basis)));
}

export async function show_source(stage, picture) {
  const source = await about("source", picture);
  const views = { headers: null, html: null, text: null, raw: null };
  const part = (type) => source.parts.find((each) => each.type === type);
  views.headers = () => headers(source.headers);
  views.html = () => lines(part("text/html")?.lines ?? [], "html", stage.source);
  views.text = () => lines(part("text/plain")?.lines ?? [], "text", stage.source);
  views.raw = () => lines(source.raw, "raw", stage.source);
  const buttons = Object.keys(views).map((view) =>
    make("button", { type: "button", "data-key": `source-${view}`, "aria-pressed": stage.source.view === view,
      onclick: () => {
        stage.source = { view, line: 0 };
        show_source(stage, picture);
      } }, w(`source_${view}`)));
  const bar = make("div", { class: "widths", role: "group", "aria-label": w("source_view") }, ...buttons);
  stage.place(picture, "source", bar, views[stage.source.view]());
  const marked = document.querySelector(".lines .marked");
  if (marked && stage.source.line) {
    marked.scrollIntoView({ block: "center" });
    stage.source.line = 0; // a redraw stays where the reader has scrolled to
  }
}

function headers(fields) {
  const rows = fields.map((field) =>
    make("tr", {}, make("th", { scope: "row" }, field.name), make("td", {}, field.value)));
  const head = make("tr", {}, make("th", { scope: "col" }, w("header_name")), make("th", { scope: "col" }, w("header_value")));
  return make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": w("source_headers"),
    "data-place": "headers" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function lines(texts, view, wanted) {
  const list = texts.map((text, place) =>
    make("li", { class: wanted.view === view && wanted.line === place + 1 ? "marked" : null }, make("code", {}, text)));
  return make("ol", { class: "lines", tabindex: "0", "data-place": view, "aria-label": w(`source_${view}`) }, ...list);
}
