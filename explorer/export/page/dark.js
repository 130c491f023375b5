// Light or dark, as the system has it. First in the body, so that nothing is seen in the other.
const darkness = matchMedia('(prefers-color-scheme: dark)');
const dress = () => document.body.classList.toggle('dark', darkness.matches);
darkness.onchange = dress;
dress();
