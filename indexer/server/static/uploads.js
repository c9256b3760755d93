// Uploads, one after the other; they go on while other views are shown.

import { ApiError } from "./api.js";

export const uploads = []; // the newest first
let sending = null;

/** Ask before the page is left while files are being sent. */
addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});

/** Send files; `limits` of the server refuse those that are too long at once. */
export function upload(files, limits) {
  for (const file of files) {
    const item = { name: file.name, file, sent: 0, size: file.size, state: "waiting", error: null, request: null, job: null };
    if (file.size > limits.max_bytes) Object.assign(item, { state: "failed", error: `It is too long: at most ${megabytes(limits.max_bytes)} are accepted.` });
    else if (file.size > limits.free_bytes) Object.assign(item, { state: "failed", error: "The disk of the server has no space for it." });
    uploads.unshift(item);
  }
  sendNext();
}

export const megabytes = (bytes) => (bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

/** Stop an upload, or take it out of the queue. */
export function cancelUpload(item) {
  item.state = "canceled";
  item.request?.abort();
}

/** True while files are being sent or wait. */
export const isSending = () => uploads.some((item) => item.state === "waiting" || item.state === "sending");

function sendNext() {
  if (sending) return;
  sending = uploads.findLast((item) => item.state === "waiting") ?? null;
  if (!sending) return;
  const item = sending;
  item.state = "sending";
  post(item)
    .then((job) => Object.assign(item, { state: "sent", job: job.id }))
    .catch((error) => {
      if (item.state === "canceled") return;
      Object.assign(item, { state: "failed", error: error.message });
      if (!(error instanceof ApiError)) throw error;
    })
    .finally(() => {
      item.file = item.request = null;
      sending = null;
      sendNext();
    });
}

/** The job of an upload; fetch() reports no progress of what it sends. */
function post(item) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    item.request = request;
    request.open("POST", `/api/uploads?${new URLSearchParams({ name: item.name })}`);
    request.responseType = "json";
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => (item.sent = event.loaded));
    request.addEventListener("load", () => {
      if (request.status === 202) resolve(request.response);
      else reject(new ApiError(`${request.response?.error ?? `The server refuses the file (status ${request.status})`}.`)); // begins with the name
    });
    request.addEventListener("error", () => reject(new ApiError("The connection was lost; try again.")));
    request.addEventListener("abort", () => reject(new ApiError("Canceled.")));
    request.send(item.file);
  });
}
