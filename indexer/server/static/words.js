// Words of a recording, loaded in chunks.

import { get } from "./api.js";

export const CHUNK = 400;

export class Words {
  constructor(id) {
    this.id = id;
    this.total = null; // known after the first response
    this.chunks = new Map(); // number → words
    this.requests = new Map(); // number → promise of words
  }

  /** Forget the loaded words, which have changed. */
  clear() {
    this.total = null;
    this.chunks.clear();
    this.requests.clear();
  }

  /** Words of a chunk. */
  load(number) {
    if (!this.requests.has(number)) {
      this.requests.set(number, this.read({ offset: number * CHUNK }).catch((error) => {
        this.requests.delete(number);
        throw error;
      }));
    }
    return this.requests.get(number);
  }

  async read(position) {
    const response = await get(`/recordings/${encodeURIComponent(this.id)}/transcript`, { ...position, limit: CHUNK });
    this.total = response.total;
    if (position.offset === undefined) return response;
    this.chunks.set(response.offset / CHUNK, response.words);
    return response.words;
  }

  word(index) {
    return this.chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  /** Index of the word at a time, or of the next one. */
  async at(time) {
    const index = this.find(time);
    if (index !== null) return index;
    const { total, offset } = await this.read({ at: Math.max(0, time), limit: 1 });
    if (!total) return 0;
    await this.load(Math.floor(offset / CHUNK));
    return offset;
  }

  /** Index of the word at a time in loaded chunks; null if its chunk is not loaded. */
  find(time) {
    for (const [number, words] of this.chunks) {
      if (!words.length || time < words[0].start || time >= words[words.length - 1].end) continue;
      let low = 0;
      let high = words.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (words[middle].end > time) high = middle;
        else low = middle + 1;
      }
      return number * CHUNK + low;
    }
    return null;
  }
}

const MAX_CACHED = 9; // recordings
const cached = new Map();

/** Words of a recording, cached. */
export function wordsOf(id) {
  if (!cached.has(id)) {
    if (cached.size >= MAX_CACHED) cached.delete(cached.keys().next().value);
    cached.set(id, new Words(id));
  }
  return cached.get(id);
}
