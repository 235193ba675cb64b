/outer.launched = launched_02/d
