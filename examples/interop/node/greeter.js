// demo.Greeter. Each method says what its parameters are called, as they may come by name.
// What it is called with comes first, then the context: attachments in both directions, and a
// signal that tells when the caller's time is up.

import { setTimeout as pause } from "node:timers/promises";

class ValueError extends Error {
  name = "ValueError";
}

export const greeter = {
  hello: {
    parameters: ["name"],
    run: ([name]) => `Hello ${name}`,
  },
  add: {
    parameters: ["a", "b"],
    run: ([a, b = 1]) => a + b,
  },
  fail: {
    parameters: ["text"],
    run: ([text]) => {
      throw new ValueError(text);
    },
  },
  sleep: {
    parameters: ["seconds"],
    run: ([seconds], { signal }) => pause(seconds * 1000, seconds, { signal }),
  },
  baggage: {
    parameters: [],
    run: (_, { received, sent }) => {
      sent["seen-by"] = "node";
      return received;
    },
  },
};
