// JavaScript's values as messages google.protobuf.Value, and back.

/** The Value of null, a boolean, number, string, array or object. undefined counts as null. */
export function value(plain) {
  if (plain === null || plain === undefined) return { nullValue: "NULL_VALUE" };
  if (Array.isArray(plain)) return { listValue: { values: plain.map(value) } };
  switch (typeof plain) {
    case "boolean":
      return { boolValue: plain };
    case "number":
      return { numberValue: plain };
    case "string":
      return { stringValue: plain };
    case "object":
      return { structValue: { fields: mapped(plain, value) } };
    default:
      throw new TypeError(`a ${typeof plain} can't be a Value`);
  }
}

/** What a Value stands for. */
export function plain(message) {
  switch (message?.kind) {
    case "listValue":
      return message.listValue.values.map(plain);
    case "structValue":
      return mapped(message.structValue.fields, plain);
    case "boolValue":
    case "numberValue":
    case "stringValue":
      return message[message.kind];
    default:
      return null;
  }
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, each]) => [name, change(each)]));
}
