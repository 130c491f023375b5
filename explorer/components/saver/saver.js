watch('value', () => {
  const v = props.value;
  if (!v?.b64) return;
  const bytes = Uint8Array.from(atob(v.b64), c => c.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: v.media }));
  const a = document.createElement('a');
  a.href = url;
  a.download = v.name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
});
