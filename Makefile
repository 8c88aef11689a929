# Thin front: everything real is in CMake, tools/ and tests/.
.PHONY: run test build install soak bench bench-risk bench-rag fuzz format lint clean
run test build install soak bench bench-risk bench-rag fuzz format lint clean:
	@tools/make/$@
