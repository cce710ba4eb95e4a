// The page's own words, in Korean or English as the newsletter is.

const catalogues = await (await fetch(new URL("words.json", import.meta.url))).json();
let words = catalogues.ko;

export let locale = "ko";

export function speak(code) {
  const language = code.split("-")[0];
  locale = language in catalogues ? language : "en";
  words = catalogues[locale];
  document.documentElement.lang = locale;
  document.title = `digest · ${words.title}`;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = words[element.dataset.placeholder];
  }
}

export const w = (name, values = {}) =>
  words[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

export const number = (value) => value.toLocaleString(locale);
