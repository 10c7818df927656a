// Shows whether the proxy is ready.
const answer = await fetch("/readyz");
document.getElementById("readiness").textContent = await answer.text();
