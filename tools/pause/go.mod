module greenfield.invalid/tools/pause

go 1.26
