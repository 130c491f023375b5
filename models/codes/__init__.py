"""What is done with the codes of pictures: laid out, searched for, walked along, cut short."""
