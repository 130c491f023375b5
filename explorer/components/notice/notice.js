// Shown in place of a tab that the chosen model cannot serve. props.value: the tab's key.
GE.notices[props.value] = element;
GE.gate();
