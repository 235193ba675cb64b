/leaf == 1\)/d
