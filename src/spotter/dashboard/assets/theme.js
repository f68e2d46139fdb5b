// Before the first paint: the theme that was chosen here, if any.
try {
  const theme = localStorage.getItem("spotter-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch (error) { /* storage is forbidden: the system's theme it is */ }
