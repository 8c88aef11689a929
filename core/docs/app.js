// What /docs gains with JavaScript: a filter, and "try it". Everything else is in the page already.
"use strict";

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const labelled = (text, input) => element("label", {}, text + " ", input);

const tools = document.getElementById("tools");
const operations = [...document.querySelectorAll("section.op")];

// The token stays in this tab.
const token = element("input", { type: "password", autocomplete: "off", size: 30 });
token.value = sessionStorage.getItem("sluice-token") || "";
token.addEventListener("input", () => sessionStorage.setItem("sluice-token", token.value));

const filter = element("input", { type: "search", size: 24 });
const found = element("span", { role: "status" });
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const operation of operations) {
    const text = operation.textContent.toLowerCase();
    operation.hidden = !words.every((word) => text.includes(word));
    count += !operation.hidden;
  }
  found.textContent = words.length ? `${count} of ${operations.length}` : "";
});

const parametersOf = (path) => [...path.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map((match) => match[1]);

const show = async (answer, output) => {
  const text = await answer.text();
  let body = text;
  try { body = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
  output.textContent = `${answer.status} ${answer.statusText}\n\n${body}`;
};

// A form for one operation, made when it is first opened.
const formOf = (operation) => {
  const { method, path, body } = operation.dataset;
  const hasBody = method !== "GET" && method !== "DELETE";
  const inputs = new Map(parametersOf(path).map((name) => [name, element("input", { required: true })]));
  const query = element("input", { size: 40, placeholder: "name=value&…" });
  const text = element("textarea", { value: JSON.stringify(JSON.parse(body), null, 2), spellcheck: false });
  const output = element("pre", { hidden: true, tabIndex: 0, role: "status" });
  const form = element("form", {});
  for (const [name, input] of inputs) form.append(labelled(name, input));
  form.append(hasBody ? labelled("body", text) : labelled("query", query));
  form.append(element("button", { textContent: `Send ${method}` }), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let url = path.replace(/\{(\w+)(?:\.\.\.)?\}/g, (_, name) => encodeURIComponent(inputs.get(name).value));
    if (!hasBody && query.value) url += "?" + query.value.replace(/^\?/, "");
    const headers = token.value ? { Authorization: `Bearer ${token.value}` } : {};
    if (hasBody) headers["Content-Type"] = "application/json";
    output.hidden = false;
    output.textContent = "…";
    try {
      await show(await fetch(url, { method, headers, body: hasBody ? text.value : undefined }), output);
    } catch (error) {
      output.textContent = String(error);
    }
  });
  return form;
};

if (tools) {
  tools.append(labelled("Filter", filter), labelled("Token", token), found);
  for (const operation of operations) {
    if (!operation.dataset.path) continue;
    const button = element("button", { type: "button", textContent: "Try it" });
    button.setAttribute("aria-label", `Try ${operation.id}`);
    button.addEventListener("click", () => button.replaceWith(formOf(operation)));
    operation.append(button);
  }
}
