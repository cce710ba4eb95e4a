// The preview page: asks for the state of what it shows, draws it, and asks again whenever something has changed.

import { ask, order } from "./api.js";
import { Checks } from "./checks.js";
import { $, say } from "./dom.js";
import { Pickers } from "./pickers.js";
import { draw_ranking } from "./ranking.js";
import { Stage } from "./stage.js";
import { speak, w } from "./words.js";
import { Wording } from "./wording.js";

const given = new URLSearchParams(location.search);
let query = { newsletter: given.get("newsletter"), edition: given.get("edition"), reader: given.get("reader") };
let state = null;
let drawn_query = "";
let turn = 0; // of questions: an answer that was overtaken is dropped
let language = "";

const stage = new Stage();
const checks = new Checks(stage);
const pickers = new Pickers(() => query, (changes) => look(changes));
const wording = new Wording((kind, words) => edit({ kind, words }));

// Shows something else, and keeps it in the address so that a reload shows it again.
function look(changes) {
  query = { ...query, ...changes };
  const kept = Object.entries(query).filter(([, value]) => value);
  history.replaceState(null, "", kept.length ? `?${new URLSearchParams(kept)}` : location.pathname);
  return refresh();
}

async function refresh() {
  const mine = ++turn;
  try {
    const answer = await ask("api/state", query);
    if (mine === turn) draw(answer);
  } catch (error) {
    if (!language) speak((language = navigator.language));
    if (mine === turn) show_problem(error.message);
  }
}

// Sends one change, and draws the state it leads to; false where it was refused.
async function change(path, body) {
  const mine = ++turn;
  try {
    const answer = await order(path, { ...query, edition: state.edition, newsletter: state.newsletter, ...body });
    if (mine === turn) draw(answer);
    return answer;
  } catch (error) {
    say(error.message);
    show_problem(error.message);
    return null;
  }
}

const edit = (body) => change("api/edit", { shown: state.picture?.ranking.shown.map((row) => row.id) ?? [], ...body });

async function decide(kind, row) {
  if (await edit({ kind, article: row.id })) say(w(`did_${kind}`, { title: row.title }));
}

function draw(answer) {
  state = answer;
  if (answer.locale !== language) {
    language = answer.locale;
    speak(language);
    stage.draw_tabs();
  }
  const asked = JSON.stringify([answer.newsletter, answer.edition, query.reader]);
  pickers.draw(answer);
  draw_undo(answer.undo);
  if (answer.picture) {
    wording.draw(answer.picture);
    draw_ranking(answer.picture, decide);
    stage.show(answer.picture.id);
    checks.show(answer.picture, answer.revision).catch((error) => show_problem(error.message));
    drawn_query = asked;
  } else if (asked !== drawn_query) {
    stage.show(null);
    checks.clear();
    wording.clear();
    drawn_query = "";
    $("ranking-body").replaceChildren();
  }
  show_problem(answer.problem, answer.picture === null && asked === drawn_query);
  document.body.dataset.revision = answer.revision;
}

function draw_undo(step) {
  const button = $("undo");
  const had_focus = document.activeElement === button;
  button.disabled = !step || Boolean(state.picture?.frozen);
  const what = step ? w(`did_${step.kind}`, { title: step.title }) : "";
  button.setAttribute("aria-label", step ? w("undo_what", { what }) : w("undo"));
  button.title = what;
  if (had_focus && button.disabled) $("ranking-title").focus();
}

function show_problem(problem, is_stale = false) {
  $("banner").hidden = !problem;
  const words = is_stale && problem ? `${problem}\n${w("stale")}` : problem;
  if ($("banner").textContent !== words) $("banner").textContent = words;
}

$("undo").addEventListener("click", async () => {
  const answer = await change("api/undo", {});
  if (answer) say(w("undone", { what: w(`did_${answer.undone.kind}`, { title: answer.undone.title }) }));
});

document.addEventListener("keydown", (event) => {
  const is_field = event.target.matches?.("input, textarea, select");
  if (event.key === "z" && (event.ctrlKey || event.metaKey) && !is_field && !$("undo").disabled) {
    event.preventDefault();
    $("undo").click();
  }
});

function listen() {
  const stream = new EventSource("api/changes");
  stream.onmessage = ({ data }) => {
    show_live(true);
    if (data !== state?.revision) refresh();
  };
  stream.onerror = () => show_live(false);
}

function show_live(is_live) {
  $("live").classList.toggle("off", !is_live);
  $("live-words").textContent = is_live ? w("live") : w("live_off");
  if (!is_live) show_problem(w("stopped"));
  else if ($("banner").textContent === w("stopped")) show_problem("");
}

await refresh();
listen();
