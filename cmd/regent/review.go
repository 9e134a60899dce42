package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/regent-proxy/regent/pkg/review"
)

// newReviewCommand is "regent review": what a reviewer runs against a running
// Regent's admin port.
func newReviewCommand() *cobra.Command {
	var admin adminFlags
	c := &cobra.Command{
		Use:   "review",
		Short: "List, approve and reject the calls that wait for a human",
		Long: `Calls that a policy's review parks wait on the admin port. Once approved, the same
call (the same caller, path and bytes) passes once when it is sent again in time.`,
	}
	admin.add(c)
	c.AddCommand(newReviewListCommand(&admin), newReviewShowCommand(&admin),
		newReviewDecideCommand(&admin, "approve", "Let a call pass once"), newReviewDecideCommand(&admin, "reject", "Refuse a call, also when it comes again"))
	return c
}

func newReviewListCommand(admin *adminFlags) *cobra.Command {
	var state string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List reviews, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var answer struct {
				Reviews []review.Review `json:"reviews"`
			}
			query := ""
			if state != "all" {
				query = "?state=" + url.QueryEscape(state)
			}
			if err := admin.call(c.Context(), http.MethodGet, "/reviews"+query, nil, &answer); err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), answer.Reviews)
			}
			return printReviews(c.OutOrStdout(), answer.Reviews)
		},
	}
	c.Flags().StringVar(&state, "state", string(review.Pending), "pending, approved, rejected, used, expired or all")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func newReviewShowCommand(admin *adminFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one review with all that is known of its call, as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var r review.Review
			if err := admin.call(c.Context(), http.MethodGet, "/reviews/"+url.PathEscape(args[0]), nil, &r); err != nil {
				return err
			}
			return printJSON(c.OutOrStdout(), r)
		},
	}
}

func newReviewDecideCommand(admin *adminFlags, verb, short string) *cobra.Command {
	var by, reason string
	c := &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var r review.Review
			path := "/reviews/" + url.PathEscape(args[0]) + "/" + verb
			if err := admin.call(c.Context(), http.MethodPost, path, map[string]string{"by": by, "reason": reason}, &r); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is %s until %s\n", r.ID, r.State, r.Expires.Format(time.RFC3339))
			return nil
		},
	}
	c.Flags().StringVar(&by, "by", userName(), "who decides, for the record")
	c.Flags().StringVar(&reason, "reason", "", "why; the client reads it where the call is rejected")
	return c
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

func printReviews(w io.Writer, list []review.Review) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no reviews")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tCREATED\tEXPIRES\tWHO\tMODEL\tCODES")
	for _, r := range list {
		s := &r.Subject
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, r.Created.Format(time.RFC3339), r.Expires.Format(time.RFC3339),
			plainWord(who(s)), plainWord(s.Model), plainWord(strings.Join(s.Codes, ",")))
	}
	return table.Flush()
}

// who is the most that is known of a caller, in one word.
func who(s *review.Subject) string {
	var parts []string
	for _, part := range []string{s.Tenant, s.Team, s.App, s.Caller} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// plainWord keeps a caller's own words from moving a terminal's cursor.
func plainWord(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}
