-- An operator's command takes a key away at once, as a web process's role: nothing of it stays.
GRANT DELETE ON "assertion_key" TO "holdfast_web";
