// The plugin `javascript`: one in another language, with a runtime that brings its own ideas of a system. Settings, a
// hook, a tool, the store and the log. A value is the `ok` of a result, what is thrown its error.

import log from "leah:plugin/log@1.0.0";
import store from "leah:plugin/store@1.0.0";

const CALLS = "calls";

let settings;

// QuickJS has no TextEncoder.
const bytes = (text) => Uint8Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
const text = (bytes) => decodeURIComponent(escape(String.fromCharCode(...bytes)));

function count() {
  const before = store.get(CALLS);
  const calls = (before === null ? 0 : Number(text(before))) + 1;
  store.set(CALLS, bytes(String(calls)));
  return calls;
}

export const lifecycle = {
  initialize(json) {
    settings = JSON.parse(json);
  },
  activate() {
    log.write("info", "ready, in JavaScript");
  },
  shutdown() {},
};

export const onChatMessage = {
  handle(message) {
    if (message.content === "throw") throw { tag: "failed", val: "no luck today" };
    const content = `${settings.word}: ${message.content} (${message.role})`;
    return { tag: "replace", val: { content, meta: [] } };
  },
};

export const onToolCall = {
  handle(call) {
    if (call.name !== "count") return null;
    const { text } = JSON.parse(call.arguments);
    if (typeof text !== "string") return { content: "`text` is missing", failed: true, meta: [] };
    const letters = [...text].length;
    return { content: `${letters} letters in call ${count()}`, failed: false, meta: [] };
  },
};
