// Questions and orders to the server; addresses are relative, as the page's own path holds the token.

export class Refusal extends Error {}

async function answer(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(body.problem || `${response.status} ${response.statusText}`);
  return body;
}

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return new URLSearchParams(given).toString();
}

export const addressOf = (path, values) => `${path}?${query(values)}`;

export const ask = async (path, values = {}) => answer(await fetch(addressOf(path, values)));

export const order = async (path, body) =>
  answer(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));
