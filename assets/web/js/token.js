// How a token's text is shown where it stands alone (tree, notes): white space and control characters made visible.
mtp.token = (() => {
  const SIGNS = { "\n": "↵", "\t": "⇥", "\r": "␍", " ": "␣", "\u00a0": "␣", "\u200b": "␣" };

  function sign(character) {
    const code = character.codePointAt(0);
    if (SIGNS[character]) return SIGNS[character];
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? "␡" : character;
  }

  // A word keeps its own letters and loses the space before it; a token of white space only shows all of it.
  function alone(text, limit = 14) {
    const body = text.trim() === "" ? text : text.replace(/^ /, "");
    const shown = [...body].map((c) => (c === " " && body.trim() !== "" ? c : sign(c)));
    return shown.length > limit ? shown.slice(0, limit - 1).join("") + "…" : shown.join("") || "∅";
  }

  // In running text only what cannot be seen at all gets a sign: control characters, and line breaks on their own.
  function mark(text) {
    const alone = text.trim() === "";
    return [...text].filter((c) => (alone && c === "\n") || (c.codePointAt(0) < 0x20 && !"\n\t".includes(c))).map(sign).join("");
  }
  return { alone, mark };
})();
