// Offers a visitor's own models in the picker of their page.
watch('value', () => GE.own?.(props.value || []));
