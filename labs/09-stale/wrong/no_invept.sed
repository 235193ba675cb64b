/invept/d
