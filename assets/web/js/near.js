// Whether a part of the page is near what the reader sees: what is not need not be drawn. It is drawn anew when it comes near.
mtp.near = (host) => {
  const place = { seen: false };
  new IntersectionObserver((entries) => {
    place.seen = entries.at(-1).isIntersecting;
    if (place.seen) mtp.store.set({});
  }, { rootMargin: "40px" }).observe(host);
  return place;
};
