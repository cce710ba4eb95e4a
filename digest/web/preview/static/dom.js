// Building elements: text is always text, and styles are set as properties, so nothing a mail holds becomes markup.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") && value !== null) element.setAttribute(name, String(value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Replaces what an element holds, and gives focus back to the control of the same data-key.
export function fill(holder, ...children) {
  const focused = holder.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset.key;
  const scroll = holder.scrollTop;
  holder.replaceChildren(...children.filter(Boolean));
  holder.scrollTop = scroll;
  if (!focused) return;
  const again = key && [...holder.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key && !each.disabled);
  (again ?? holder.closest("section, aside, main")?.querySelector("[tabindex='-1']"))?.focus({ preventScroll: !again });
}

let timer = 0;

// Says something to people who do not see the page; the same words twice are said twice.
export function say(text) {
  const status = $("status");
  status.textContent = "";
  clearTimeout(timer);
  timer = setTimeout(() => (status.textContent = text), 50);
}
