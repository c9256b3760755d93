// Requests to the API. Responses are JSON; errors are thrown with the message of the server.

export class ApiError extends Error {
  /** `status` of the response; 0 if there is none. */
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** True if trying again may help. */
  get isTemporary() {
    return this.status === 0 || this.status >= 500;
  }
}

/** JSON response to a GET request for a path below /api. */
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
    throw new ApiError("The server does not answer; is it still running?", 0);
  }
  if (response.status === 401) location.reload();
  let body;
  try {
    body = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(`The server gave no proper answer (${response.status}).`, response.status < 400 ? 0 : response.status);
  }
  if (!response.ok) throw new ApiError(sentence(body.error), response.status);
  return body;
}

/** JSON response to a request that changes something. */
export async function send(method, path, content = undefined, parameters = {}) {
  let response;
  try {
    response = await fetch(`/api${path}?${new URLSearchParams(parameters)}`, {
      method,
      headers: content === undefined ? {} : { "content-type": "application/json" },
      body: content === undefined ? undefined : JSON.stringify(content),
    });
  } catch {
    throw new ApiError("The server does not answer; is it still running?", 0);
  }
  const body = await response.json();
  if (!response.ok) throw new ApiError(sentence(body.error), response.status);
  return body;
}

/** A message with a capital letter and a period. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export const audioUrl = (id, decoded = false) => `/api/recordings/${encodeURIComponent(id)}/audio${decoded ? "?as=wav" : ""}`;

const SEARCH_PARAMETERS = ["q", "and", "not", "within", "slop", "path", "since", "until", "mode", "confidence", "order"];

/** Search parameters of the page's URL, with additional ones. */
export function searchParameters(query, additional = {}) {
  const parameters = new URLSearchParams([...query].filter(([name]) => SEARCH_PARAMETERS.includes(name)));
  for (const [name, value] of Object.entries(additional)) parameters.set(name, value ?? "");
  return parameters;
}

/** The reason why the server does not serve the audio of a recording; null if it does. */
export async function audioError(id) {
  const response = await fetch(audioUrl(id), { headers: { range: "bytes=0-0" } });
  if (response.ok) return null;
  return sentence((await response.json()).error);
}

let libraryRequest = null;

/** Size, search modes and folders of the index; requested once. */
export function library() {
  libraryRequest ??= get("/library").catch((error) => {
    libraryRequest = null;
    throw error;
  });
  return libraryRequest;
}

/** Request the properties of the index again, after a change. */
export function forgetLibrary() {
  libraryRequest = null;
}

const recordings = new Map();

/** A recording by its id, with the state of its file. */
export async function recording(id) {
  if (recordings.get(id)?.has_file === undefined) cache(await get(`/recordings/${encodeURIComponent(id)}`));
  return recordings.get(id);
}

/** True if the recording has a file that may be played. */
export const isPlayable = (item) => item.has_media !== false && item.has_file !== false;

/** Cache a recording that was part of another response. */
export function cache(item) {
  recordings.set(item.id, { ...recordings.get(item.id), ...item });
  return item;
}
