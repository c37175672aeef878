// The language of the page: the reader's own choice, else the browser's. `mtp.strings` is what mtp.say reads.
mtp.language = (() => {
  const KEY = "mtpviz-language", TAGS = { en: "en-GB", zh: "zh-CN" };
  const { state } = mtp.store;

  function use(language) {
    state.language = language;
    mtp.strings = mtp.languages[language];
    document.documentElement.lang = TAGS[language];
    document.title = mtp.say("page.title");
    translate();
  }
  // What Gradio laid out itself (the figures' titles) carries its English text in data-say.
  function translate() {
    for (const node of document.querySelectorAll("[data-say]")) mtp.dom.text(node, mtp.word(node.dataset.say));
  }
  function choose(language) {
    localStorage.setItem(KEY, language);
    use(language);
    mtp.main.again();
    mtp.figures.send();
  }
  function start() {
    const known = (name) => (Object.hasOwn(mtp.languages, name ?? "") ? name : null);
    const kept = known(new URLSearchParams(location.search).get("lang")) ?? known(localStorage.getItem(KEY));
    use(kept ?? known(navigator.language.slice(0, 2)) ?? "en");
    // Gradio sets the language of its own texts as it starts; the document is in ours.
    new MutationObserver(() => {
      if (document.documentElement.lang !== TAGS[state.language]) document.documentElement.lang = TAGS[state.language];
    }).observe(document.documentElement, { attributeFilter: ["lang"] });
  }
  return { start, choose, translate, all: Object.keys(TAGS), tag: (name) => TAGS[name ?? state.language] };
})();
