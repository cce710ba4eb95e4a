// The right-hand column: size, findings, links, spam points, pictures, test send.

import { ask, order } from "./api.js";
import { $, fill, make, say } from "./dom.js";
import { number, w } from "./words.js";

export class Checks {
  constructor(stage) {
    this.stage = stage;
    this.picture = null;
    this.results = {}; // of links and spam, for the picture they were asked about
    this.told = "";
    this.running = new Set(); // orders that have no answer yet: a second click gives none
    $("send").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  async show(picture, revision) {
    const is_other = this.picture?.id !== picture.id;
    this.picture = picture;
    if (is_other) this.results = {};
    draw_size(picture.size);
    const address = $("address");
    if (!address.value || address.value === address.defaultValue) address.value = address.defaultValue = picture.test_address;
    if (is_other && !this.told) fill($("findings"), make("p", { class: "aside" }, w("findings_wait")));
    const [checked, links] = await Promise.all([
      ask("api/findings", { picture: picture.id }), ask("api/links", { picture: picture.id })]);
    if (this.picture?.id !== picture.id) return;
    // What is the same is left alone, so that nothing opens, closes or loses focus.
    const told = JSON.stringify([picture.id, checked, links, document.documentElement.lang]);
    if (told === this.told) return;
    this.told = told;
    this.draw_findings(checked);
    this.draw_links(links);
    this.draw_spam(checked.can_scan);
  }

  clear() {
    this.picture = null;
    this.told = "";
    for (const id of ["size", "findings", "links", "spam"]) $(id).replaceChildren();
  }

  draw_findings({ findings, images_missing }) {
    const errors = findings.filter((finding) => finding.severity === "error").length;
    const summary = findings.length
      ? make("p", { class: "totals" },
        make("strong", { class: errors ? "error" : "aside" }, w("errors", { count: errors })), " ",
        make("strong", { class: findings.length > errors ? "warning" : "aside" },
          w("warnings", { count: findings.length - errors })))
      : make("p", { class: "good" }, w("findings_none"));
    fill($("findings"), summary,
      findings.length ? make("ul", { class: "findings" }, ...findings.map((finding, n) => this.finding(finding, n))) : null,
      images_missing ? this.missing_images(images_missing) : null);
  }

  finding(finding, place) {
    return make("li", { class: finding.severity },
      make("button", { type: "button", "data-key": `finding ${place}`, onclick: () => this.stage.jump(finding) },
        make("span", { class: "rule" }, finding.rule), " ", make("span", { lang: "en" }, finding.message)),
      finding.why
        ? make("details", {}, make("summary", {}, w("why")), make("p", { lang: "en" }, finding.why),
          make("p", { lang: "en" }, finding.fix))
        : null);
  }

  missing_images(count) {
    const result = make("p", { class: "result" });
    const read = async () => {
      const done = await this.run("api/images", result, w("reading_images"));
      if (!done) return;
      const problems = Object.entries(done.problems);
      result.textContent = w("images_read", { count: done.read })
        + (problems.length ? ` ${w("images_failed", { count: problems.length })}: ${problems[0].join(": ")}` : "");
      say(result.textContent);
    };
    return make("div", { class: "note" }, make("p", {}, w("images_missing", { count })),
      make("button", { type: "button", "data-key": "images", onclick: read }, w("read_images")), result);
  }

  // Gives an order about the present picture, says that it runs, and says what went wrong.
  async run(path, result, running, body = {}) {
    if (!this.picture || this.running.has(path)) return null;
    this.running.add(path);
    result.className = "result";
    result.textContent = `${running}…`;
    try {
      const done = await order(path, { picture: this.picture.id, ...body });
      result.textContent = "";
      return done;
    } catch (error) {
      result.className = "result error";
      result.textContent = error.message;
      say(error.message);
      return null;
    } finally {
      this.running.delete(path);
    }
  }

  draw_links(links) {
    const checkable = new Set(links.filter((link) => link.may_be_fetched).map((link) => link.url)).size;
    const result = make("p", { class: "result" });
    const answers = this.results.links;
    const check = async () => {
      const done = await this.run("api/check-links", result, w("checking_links"));
      if (!done) return;
      this.results.links = new Map(done.map((answer) => [answer.url, answer]));
      this.draw_links(links);
      say($("links-result").textContent);
    };
    const states = answers ? [...answers.values()].map((answer) => answer.state) : [];
    const good = states.filter((state) => state === "good").length;
    const moved = states.filter((state) => state === "moved").length;
    const bad = states.length - good - moved;
    fill($("links"),
      make("p", { class: "aside" }, w("links_found", { count: links.length, checked: checkable }), " ", w("links_rule")),
      make("button", { type: "button", "data-key": "check-links", onclick: check }, w("check_links")), result,
      answers ? make("p", { id: "links-result", class: bad ? "error" : "good" }, w("links_result", { good, moved, bad })) : null,
      make("details", { open: $("all-links")?.open ?? false, id: "all-links" },
        make("summary", { "data-key": "all-links" }, w("all_links")),
        make("ul", { class: "links" }, ...links.map((link, place) => this.link(link, place, answers)))));
  }

  link(link, place, answers) {
    const answer = answers?.get(link.url);
    const state = !link.may_be_fetched ? "left" : answer?.state;
    const detail = answer ? [answer.status, answer.detail].filter(Boolean).join(" ") : "";
    return make("li", { class: state ?? null },
      make("button", { type: "button", "data-key": `link ${place}`,
        onclick: () => this.stage.jump({ element: link.element, part: "html", line: null }) }, link.text || link.url),
      make("span", { class: "url" }, link.url),
      state ? make("span", { class: `state ${state}` }, w(`link_${state}`), detail ? ` ${detail}` : "") : null);
  }

  draw_spam(can_scan) {
    if (!can_scan) return fill($("spam"), make("p", { class: "aside" }, w("spam_absent")));
    const result = make("p", { class: "result" });
    const report = this.results.spam;
    const scan = async () => {
      const done = await this.run("api/spam", result, w("spam_scanning"));
      if (!done) return;
      this.results.spam = done;
      this.draw_spam(true);
      say(w("spam_points", done));
    };
    fill($("spam"),
      make("p", { class: "aside" }, w("spam_hint")),
      make("button", { type: "button", "data-key": "spam", onclick: scan }, w("spam_scan")), result,
      report ? make("p", { class: report.points < report.required ? "good" : "error", id: "spam-points" },
        make("strong", {}, w("spam_points", report))) : null,
      report ? make("ul", { class: "spam-rules" }, ...report.rules.map((rule) =>
        make("li", { lang: "en" }, make("strong", {}, rule.points.toFixed(1)), ` ${rule.name} `,
          make("span", { class: "aside" }, rule.words)))) : null);
  }

  async send() {
    const result = $("sent");
    const done = await this.run("api/send", result, w("sending"), { address: $("address").value });
    if (!done) return;
    result.className = `result ${done.state === "sent" ? "good" : "error"}`;
    result.textContent = `${w(`sent_${done.state}`, done)} ${done.reply}`;
    say(result.textContent);
  }
}

function draw_size(size) {
  const share = size.html / size.limit;
  const state = share >= 1 ? "error" : share >= 0.9 ? "warning" : "good";
  const bar = make("div", { class: `meter ${state}`, role: "img", "aria-label": w("size_of", figures(size)) }, make("span"));
  bar.firstChild.style.width = `${Math.min(100, 100 * share)}%`;
  fill($("size"), make("p", { class: `figure ${state}`, "aria-hidden": "true" }, w("size_of", figures(size))), bar,
    make("p", { class: "aside" }, w("size_more", { encoding: size.encoding, total: number(size.total) })));
}

const figures = (size) => ({ size: number(size.html), limit: number(size.limit) });
