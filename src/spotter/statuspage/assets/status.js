// A page that nobody writes any more, or that a cache has kept, must not look like news.
const shown = document.querySelector("time[data-as-of]");
const old = document.querySelector("[data-old]");
const look = () => { old.hidden = Date.now() - Date.parse(shown.dateTime) < 300000; };
look();
setInterval(look, 30000);
