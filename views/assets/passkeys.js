// Passkeys: asks the server what to ask the browser, the browser for the passkey, and sends its answer as a form. Where the
// browser can, it offers them in the field for the address too. Follows the library in the same file.
(() => {
  const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } =
    window.SimpleWebAuthnBrowser;
  /** Less than a challenge lives. */
  const RENEW_MS = 4 * 60_000;

  if (!browserSupportsWebAuthn()) return;
  for (const form of document.querySelectorAll('[data-passkey]')) setUp(form);

  function setUp(form) {
    form.hidden = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      run(form);
    });
    if ('autofill' in form.dataset) offer(form);
  }

  async function run(form) {
    const status = form.querySelector('[role=status]');
    status.textContent = '';
    try {
      const optionsJSON = await optionsOf(form);
      const start = form.dataset.passkey === 'create' ? startRegistration : startAuthentication;
      send(form, await start({ optionsJSON }));
    } catch (error) {
      status.textContent = error.name === 'InvalidStateError' ? form.dataset.exists : form.dataset.failed;
    }
  }

  async function offer(form) {
    if (!(await browserSupportsWebAuthnAutofill().catch(() => false))) return;
    const ask = async () => {
      const optionsJSON = await optionsOf(form);
      send(form, await startAuthentication({ optionsJSON, useBrowserAutofill: true }));
    };
    ask().catch(() => undefined);
    setInterval(() => document.visibilityState === 'visible' && ask().catch(() => undefined), RENEW_MS);
  }

  async function optionsOf(form) {
    const response = await fetch(form.dataset.options, { headers: { accept: 'application/json' }, redirect: 'error' });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }

  function send(form, answer) {
    form.elements.credential.value = JSON.stringify(answer);
    const remember = document.querySelector('input[type=checkbox][name=remember]');
    if (remember?.checked)
      form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'remember', value: 'on' }));
    form.submit();
  }
})();
