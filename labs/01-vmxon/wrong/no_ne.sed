/CR0_NE/d
