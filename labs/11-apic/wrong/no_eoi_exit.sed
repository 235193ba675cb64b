s/BIT\(LEVEL % 64\)/0/
