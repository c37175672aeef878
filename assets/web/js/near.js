// Whether the reader sees a part of the page: what nobody sees need not be drawn. It is drawn anew when it comes into sight.
mtp.near = (host) => {
  const place = { seen: false };
  new IntersectionObserver((entries) => {
    place.seen = entries.at(-1).isIntersecting;
    if (place.seen) mtp.store.set({});
  }).observe(host);
  return place;
};
