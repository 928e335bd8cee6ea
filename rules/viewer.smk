"""Viewers: programs that show a session, and the library for all of them."""


rule copy_library:
    """Copy the viewers' library into the folder of results."""
    input:
        script=script("copy_library"),
    output:
        # the folder itself is exchanged at once: there is a library at every moment
        version="<results>/lfpscope/VERSION",
    log:
        "<logs>/copy_library.log",
    benchmark:
        "<benchmarks>/copy_library.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        folder=lambda wildcards, output: os.path.dirname(output.version),
        library=whole_library(),
    shell:
        """
        python {input.script:q} {params.folder:q} >{log:q} 2>&1
        """


rule write_viewer:
    """Write the viewer of a session.

    The library is no input, not even an ancient one: with a newer library Snakemake would then
    leave out the checks of all that comes after the viewers (9.27).
    """
    input:
        session="<results>/{session}/session.json",
        script=script("write_viewer"),
    output:
        viewer="<results>/{session}/viewer.py",
    log:
        "<logs>/write_viewer/{session}.log",
    benchmark:
        "<benchmarks>/write_viewer/{session}.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=library("write_viewer"),
        pins=checksum([HOUSE / "envs" / "pipeline.txt"]),
    shell:
        """
        python {input.script:q} --session {wildcards.session} --viewer {output.viewer:q} \
            >{log:q} 2>&1
        """


rule compile_loops:
    """Compile the loops of the viewers' library, so that no viewer waits for them."""
    input:
        library="<results>/lfpscope/VERSION",
        run="<results>/run.json",  # which waits for all else
        script=script("compile_loops"),
    output:
        compiled="<results>/lfpscope/COMPILED",
    log:
        "<logs>/compile_loops.log",
    benchmark:
        "<benchmarks>/compile_loops.tsv"
    localrule: True
    resources:
        mem_mb=1000,
    params:
        results=lambda wildcards: config["results"],
    shell:
        """
        python {input.script:q} {params.results:q} --compiled {output.compiled:q} >{log:q} 2>&1
        """
