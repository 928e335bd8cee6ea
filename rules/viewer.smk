"""Viewers: programs that show a session."""


rule write_viewer:
    """Write the viewer of a session, with the library it needs beside it."""
    input:
        session="<results>/{session}/session.json",
        script=script("write_viewer"),
    output:
        viewer="<results>/{session}/viewer.py",
        library=directory("<results>/{session}/lfpscope"),
    log:
        "<logs>/write_viewer/{session}.log",
    benchmark:
        "<benchmarks>/write_viewer/{session}.tsv"
    localrule: True
    resources:
        mem_mb=500,
    params:
        library=whole_library(),
    shell:
        """
        python {input.script:q} --session {wildcards.session} --viewer {output.viewer:q} \
            --library {output.library:q} >{log:q} 2>&1
        """
