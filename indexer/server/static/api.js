// What the server is asked. Every answer is JSON; an error becomes its sentence.

export class Refused extends Error {}

/** Ask for a path below /api. */
export async function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of parameters instanceof URLSearchParams ? parameters : Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) query.append(name, value);
  }
  let response;
  try {
    response = await fetch(`/api${path}?${query}`, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer; is it still running?");
  }
  if (response.status === 401) location.reload();
  const answer = await response.json();
  if (!response.ok) throw new Refused(sentence(answer.error));
  return answer;
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export const audioAddress = (id, decoded = false) => `/api/recordings/${encodeURIComponent(id)}/audio${decoded ? "?as=wav" : ""}`;

const SEARCH = ["q", "and", "not", "within", "slop", "path", "since", "until", "mode", "confidence", "order"];

/** Of what stands in an address, what a search asks for; with more that it asks for. */
export function asked(query, more = {}) {
  const parameters = new URLSearchParams([...query].filter(([name]) => SEARCH.includes(name)));
  for (const [name, value] of Object.entries(more)) parameters.set(name, value ?? "");
  return parameters;
}

/** Why a recording is not heard; null if the server gives it. */
export async function whyNot(id) {
  const response = await fetch(audioAddress(id), { headers: { range: "bytes=0-0" } });
  if (response.ok) return null;
  return sentence((await response.json()).error);
}

let about = null;

/** How much there is; asked once. */
export function library() {
  about ??= get("/library").catch((error) => {
    about = null;
    throw error;
  });
  return about;
}

const recordings = new Map();

/** A recording by its id. */
export async function recording(id) {
  if (!recordings.has(id)) keep(await get(`/recordings/${encodeURIComponent(id)}`));
  return recordings.get(id);
}

/** Remember a recording that came with something else. */
export function keep(one) {
  recordings.set(one.id, one);
  return one;
}
