/** Everything here is optional: the pages work without it. */

for (const area of document.querySelectorAll("textarea[maxlength][data-left]")) {
  const count = document.getElementById(area.id + "-count");
  const tell = () => {
    count.textContent = area.dataset.left.replace("#", area.maxLength - [...area.value].length);
  };
  if (count) {
    area.addEventListener("input", tell);
    tell();
  }
}

/* A second click on a button that is already at work does nothing; the server would not mind it. */
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.querySelectorAll("button").forEach((each) => each.setAttribute("aria-disabled", "true"));
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((each) => each.removeAttribute("aria-disabled"));
  }
});

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/* Paper has no triangles to press: what is folded away is printed. */
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    fold.dataset.folded = "yes";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-folded]")) {
    fold.open = false;
    delete fold.dataset.folded;
  }
});

/* A part that the server keeps up to date: fetched again every ten seconds while it is seen. */
for (const part of document.querySelectorAll("[data-live][id]")) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.textContent !== part.textContent) part.replaceChildren(...fresh.childNodes);
    } catch {
      /* The next round may get through. */
    }
  }, 10_000);
}
