// The ranking beside the mail: views as bars, reasons, and what the editor decides.

import { $, fill, make } from "./dom.js";
import { w } from "./words.js";

// Draws the whole column; `edit` sends one change.
export function draw_ranking(picture, edit) {
  const { ranking, previous, frozen } = picture;
  const shown = ranking.shown.map((row, place) => article(row, place, ranking, frozen, edit));
  const passed = ranking.passed_over.map((row) => article(row, null, ranking, frozen, edit));
  fill($("ranking-body"),
    make("p", { class: "aside" }, w("candidates", { count: ranking.candidates, views: ranking.views_total })),
    ...picture.notes.map((note) => make("p", { class: "note", lang: "en" }, note)),
    jumps([["shown", shown], ["passed_over", passed], ["previous_short", previous?.shown ?? []]]),
    make("h3", { "data-part": "shown", tabindex: "-1" }, w("shown"), count(shown)),
    make("ol", { class: "articles" }, ...shown),
    passed.length ? make("h3", { "data-part": "passed_over", tabindex: "-1" }, w("passed_over"), count(passed)) : null,
    passed.length ? make("ul", { class: "articles passed" }, ...passed) : null,
    ...elsewhere(ranking.excluded_elsewhere, frozen, edit),
    last_issue(previous));
}

// Buttons that lead down the column: it is long, and last week's issue stands at its end.
function jumps(parts) {
  const lead = (name) => {
    const target = document.querySelector(`[data-part="${name}"]`);
    target.scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
  };
  const buttons = parts.filter(([, rows]) => rows.length).map(([name, rows]) =>
    make("button", { type: "button", class: "plain", "data-key": `to ${name}`, onclick: () => lead(name) },
      w(name), count(rows)));
  return make("div", { class: "jumps", role: "group", "aria-label": w("jumps") }, ...buttons);
}

const count = (rows) => make("span", { class: "count" }, ` ${rows.length}`);

function article(row, place, ranking, frozen, edit) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span"));
  bar.firstChild.style.width = `${ranking.most_views ? Math.max(1, (100 * row.views) / ranking.most_views) : 0}%`;
  const title = make("p", { class: "title" }, row.title);
  const views = make("p", { class: "views" }, bar, make("span", { class: "figure" }, w("views", { views: row.views_words })));
  const why = [row.section, ...row.reasons.map((reason) => reason.words)].filter(Boolean).join(" · ");
  const classes = ["article", row.is_pinned && "pinned", row.is_excluded && "excluded"].filter(Boolean).join(" ");
  return make("li", { class: classes, "data-article": row.id },
    make("span", { class: "place" }, row.position ? String(row.position) : "–"),
    make("div", {}, title, views,
      make("div", { class: "below" }, make("p", { class: "why" }, why),
        frozen ? null : controls(row, place, ranking.shown.length, edit))));
}

function controls(row, place, length, edit) {
  const button = (kind, key, text, disabled = false) =>
    make("button", {
      type: "button", class: `do-${kind}`, "data-key": `${row.id} ${key}`, disabled,
      "aria-label": `${w(kind)}: ${row.title}`, onclick: () => edit(kind, row),
    }, text);
  const moves = place === null ? [] : [
    button("up", "up", "↑", place === 0),
    button("down", "down", "↓", place === length - 1),
  ];
  return make("div", { class: "controls" },
    button(row.is_pinned ? "unpin" : "pin", "pin", w(row.is_pinned ? "unpin" : "pin")),
    button(row.is_excluded ? "include" : "exclude", "keep", w(row.is_excluded ? "include" : "exclude")),
    ...moves);
}

function elsewhere(rows, frozen, edit) {
  if (!rows.length || frozen) return [];
  const items = rows.map((row) =>
    make("li", { class: "article excluded", "data-article": row.id },
      make("span", { class: "place" }, "–"), make("div", {}, make("p", { class: "title" }, row.title),
        make("div", { class: "below" }, controls({ ...row, is_excluded: true, is_pinned: false }, null, 0, edit)))));
  return [make("h3", {}, w("excluded_elsewhere"), count(items)), make("ul", { class: "articles passed" }, ...items)];
}

function last_issue(previous) {
  if (!previous) return make("p", { class: "aside last" }, w("previous_none"));
  const open = $("previous")?.open ?? true;
  const rows = previous.shown.map((row) =>
    make("li", {}, row.title, " ", make("span", { class: "aside" }, w("views", { views: row.views_words }))));
  return make("details", { id: "previous", class: "last", open },
    make("summary", { "data-key": "previous", "data-part": "previous_short" }, w("previous", { edition: previous.edition })), make("ol", {}, ...rows));
}
