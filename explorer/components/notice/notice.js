// A line above a tab: which model stands in for the chosen one, or that none can serve the tab.
// props.value: the tab's key.
GE.notices[props.value] = element;
if (GE.isOpen && GE.tab === props.value) GE.settle();
